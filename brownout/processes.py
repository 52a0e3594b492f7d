"""Processes, each known by its id and by when it was born: an id alone is given again to a stranger."""

import contextlib
import os
import signal
from pathlib import Path

import msgspec
import psutil

_STATE, _STARTED = 0, 19  # fields of /proc/PID/stat after the program's name


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A process of ours.

    Attributes:
        pid: its id.
        born: when it was started, as the kernel counts it; compared, never read.
        what: what it is for.
    """

    pid: int
    born: str
    what: str = ""


def known(pid: int, what: str = "") -> Known:
    """Return a process as it is to be known later; one that is gone by now is known as such."""
    return Known(pid=pid, born=_born(pid), what=what)


def lives(process: Known) -> bool:
    """Return whether this very process, and no other that has its id now, is still there and is this user's."""
    return bool(process.born) and _born(process.pid) == process.born


def send(process: Known, number: signal.Signals) -> bool:
    """Send a signal to this very process; return whether it was there to get it."""
    if not hasattr(os, "pidfd_open"):
        if not lives(process):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        return True
    try:
        held = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # Looked at while it is held: from here on the id cannot come to mean another process.
        if not lives(process):
            return False
        signal.pidfd_send_signal(held, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(held)
    return True


def _born(pid: int) -> str:
    """Return when a process of this user was started; empty when it is not there, a zombie, or somebody else's."""
    folder = Path(f"/proc/{pid}")
    try:
        if not Path("/proc/self/stat").exists():
            return _born_elsewhere(pid)
        if folder.stat().st_uid != os.getuid():
            return ""
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[_STATE] in "ZX" else fields[_STARTED]


def _born_elsewhere(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        ours = process.uids().real == os.getuid() and process.status() != psutil.STATUS_ZOMBIE
        return repr(process.create_time()) if ours else ""
    except psutil.Error:
        return ""
