"""Planes: what two runs cannot break at the same time. Each has a lock that the kernel frees when its holder dies."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from brownout.errors import BadInput
from brownout.live import holders
from brownout.state import state_folder

_FOLDER = "planes"


@contextlib.contextmanager
def held(alone: Sequence[str], together: Sequence[str] = ()) -> Iterator[None]:
    """Hold planes until the block ends.

    Args:
        alone: those that nobody else may hold meanwhile.
        together: those that others may hold too, as long as nobody holds them alone.

    Raises:
        BadInput: one is held by another run; it says which, and how to end it.
    """
    with contextlib.ExitStack() as stack:
        for plane, how in sorted(
            {**dict.fromkeys(together, fcntl.LOCK_SH), **dict.fromkeys(alone, fcntl.LOCK_EX)}.items()
        ):
            path = _file_of(plane)
            stack.callback(_let_go, path, _lock(plane, path, how))
        yield


def _file_of(plane: str) -> Path:
    folder = state_folder() / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{hashlib.sha256(plane.encode()).hexdigest()[:32]}.lock"


def _lock(plane: str, path: Path, how: int) -> int:
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BadInput(_taken(plane)) from None
        if _is_at(path, lock):
            return lock
        os.close(lock)  # its last holder took the file away between our opening and our locking it


def _is_at(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _let_go(path: Path, lock: int) -> None:
    """Free a plane; its last holder takes the file away, while nobody else can hold it."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    os.close(lock)


def _taken(plane: str) -> str:
    who = [f"\n  {record}" for record in holders(plane)] or ["\n  a run that is only just starting, or ending"]
    return (
        f"{plane} is held by another run, and two runs that break the same thing explain neither:{''.join(who)}\n"
        "Wait for it, or end it: brownout abort"
    )
