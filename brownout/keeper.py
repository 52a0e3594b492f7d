"""Keeper: a small process around a child that must not outlive its parent, whatever kills the parent.

    python -m brownout.keeper [--way LINK TO] -- COMMAND ARG...

The keeper's stdin is a pipe from the parent. While it is open, the keeper waits; when it ends (the parent closed it, or
died by any signal), the keeper ends the child and everything the child started: SIGTERM to its process group, and
SIGKILL for what is left after a grace. The keeper's exit code is the child's. A way is a symbolic link that is there as
long as the child is: the keeper makes it, and takes it away, for it outlives whatever kills the parent.

It imports little, so that it costs little; it must not be started with a shell's job control in between.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

GRACE_S = 2.0
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1


def command(child: list[str], way: tuple[Path, Path] | None = None) -> list[str]:
    """Return the command line that runs a child under a keeper.

    Args:
        child: the child's.
        way: a symbolic link that the child needs, and where it leads.
    """
    needs = ["--way", *map(str, way)] if way else []
    return [sys.executable, "-E", "-s", str(Path(__file__).resolve()), *needs, "--", *child]


def _prctl(option: int, value: int) -> None:
    """Ask Linux for a favour; elsewhere the process group has to do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _descendants() -> list[int]:
    """Return the processes below this one, where /proc tells (as subreaper, all orphans of the child's are ours)."""
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        for tasks in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children = [int(word) for word in tasks.read_text().split()]
                found += children
                todo += children
    return found


def _signal_all(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in _descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _wait(child: "subprocess.Popen[bytes]", within_s: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(within_s)
    return child.poll() is not None


def keep(child_command: list[str]) -> int:
    """Run the child until it or the parent ends; return the child's exit code."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the end of stdin is the one sign; a terminal's Ctrl-C is the parent's
    child = subprocess.Popen(  # noqa: S603 - the user's own command
        child_command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_in_child,  # noqa: PLW1509 - this process has one thread
    )
    exited = os.pidfd_open(child.pid) if hasattr(os, "pidfd_open") else None
    watched = [sys.stdin.fileno(), *([exited] if exited is not None else [])]
    while child.poll() is None:
        ready, _, _ = select.select(watched, [], [], None if exited is not None else 0.1)
        if sys.stdin.fileno() in ready and not os.read(sys.stdin.fileno(), 1024):
            break
    _signal_all(child.pid, signal.SIGTERM)
    _wait(child, GRACE_S)
    _signal_all(child.pid, signal.SIGKILL)
    _wait(child, GRACE_S)
    return child.returncode if child.returncode is not None else 1


def _in_child() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def _way(link: str, to: str) -> Iterator[None]:
    Path(link).symlink_to(to)
    try:
        yield
    finally:
        Path(link).unlink(missing_ok=True)


def main(words: list[str]) -> int:
    """Do what the command line says; return the exit code."""
    end = words.index("--")
    with _way(*words[1:end]) if end else contextlib.nullcontext():
        code = keep(words[end + 1 :])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
