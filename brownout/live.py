"""Live: each run of this user on this machine, on record for as long as it lasts.

A record is a file of JSON in the state folder, and a lock beside it that the run holds: the kernel lets it go when the
run dies, whatever kills it, so a record without a holder is what a killed run has left.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from brownout.clock import utc_now
from brownout.debts import Settled, owed, settle_all
from brownout.errors import BadInput
from brownout.processes import Known, known
from brownout.state import state_folder, state_folders

_FOLDER = "runs"


class Record(msgspec.Struct, kw_only=True):
    """What a run says of itself.

    Attributes:
        process: its own.
        argv: its command line.
        cwd: where it was started.
        since: when, in UTC.
        run: its run directory; empty before it has one.
        ledger: its folder of debts; empty when it owes nothing that a world of its own would not take with it.
        planes: what it holds (see `brownout.planes`).
        children: processes it has started that must not outlive it.
    """

    process: Known
    argv: list[str]
    cwd: str
    since: str
    run: str = ""
    ledger: str = ""
    planes: list[str] = msgspec.field(default_factory=list)
    children: list[Known] = msgspec.field(default_factory=list)

    def __str__(self) -> str:
        """Return it in a line."""
        where = f", {self.run}" if self.run else ""
        return f"pid {self.process.pid} ({' '.join(self.argv)}), since {self.since}{where}"

    @property
    def debts(self) -> list[str]:
        """What it still owes."""
        return owed(Path(self.ledger)) if self.ledger else []


class Left:
    """A record as somebody else finds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.with_suffix(".lock")
        self._held: int | None = None

    def read(self) -> Record | None:
        """Return what it says now; None when it is gone, because its run has ended in order.

        Raises:
            BadInput: it says nothing that can be read: another version's, or broken.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise BadInput(
                f"{self.path}: this record of a run cannot be read ({error}), so that nobody knows what the run has "
                "left on. Look into it, undo that, and remove the file."
            ) from None

    def take(self) -> bool:
        """Return whether its run is dead; then nobody else can take it, until it is let go or removed."""
        if self._held is None:
            self._held = _locked(self._lock)
        return self._held is not None

    def let_go(self) -> None:
        """Leave it to others."""
        if self._held is not None:
            if not self.path.exists():
                self._lock.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None

    def remove(self) -> None:
        """Forget the run."""
        self.path.unlink(missing_ok=True)
        self.let_go()
        self._lock.unlink(missing_ok=True)


class Live:
    """This process's own record."""

    def __init__(self, argv: list[str], planes: list[str]) -> None:
        folder = state_folder() / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        me = known(os.getpid())
        self.record = Record(
            process=me,
            argv=["brownout", *argv],
            cwd=str(Path.cwd()),
            since=utc_now().isoformat(timespec="seconds"),
            planes=planes,
        )
        self._path = folder / f"{me.pid}-{me.born}-{id(self):x}.json"
        self._held = _locked(self._path.with_suffix(".lock"))
        assert self._held is not None
        self._write()

    def runs_in(self, run: Path, ledger: Path | None) -> None:
        """Say where the run is, and where it writes down what it owes."""
        self.record.run, self.record.ledger = str(run), str(ledger or "")
        self._write()

    def add_child(self, child: Known) -> None:
        """Say that a process was started that must not outlive this one."""
        self.record.children.append(child)
        self._write()

    def end(self) -> list[Settled]:
        """Settle what is still owed and, when nothing is, forget the run; return what was settled or could not be."""
        settled = settle_all(Path(self.record.ledger)) if self.record.ledger else []
        left = Left(self._path)
        if not any(one.error for one in settled):
            left.remove()
        if self._held is not None:
            os.close(self._held)
        return settled

    def _write(self) -> None:
        spare = self._path.with_suffix(".part")
        spare.write_bytes(msgspec.json.encode(self.record))
        spare.replace(self._path)


def left_runs() -> list[Left]:
    """Return every record there is, of this user on this machine."""
    return [Left(path) for folder in state_folders() for path in sorted((folder / _FOLDER).glob("*.json"))]


def still_owed() -> list[Record]:
    """Return the records of runs that were killed and owe something still."""
    owing = []
    for left in left_runs():
        if left.take() and (record := left.read()) is not None and record.debts:
            owing.append(record)
        left.let_go()
    return owing


def holders(plane: str) -> list[Record]:
    """Return the records of live runs that hold a plane."""
    found = []
    for left in left_runs():
        if not left.take() and (record := left.read()) is not None and plane in record.planes:
            found.append(record)
        left.let_go()
    return found


class _Own:
    """The record that this process's children are written into: one process is one run."""

    add: Callable[[Known], None] | None = None


def children_go_to(add: Callable[[Known], None] | None) -> None:
    """Say where this process's children are written down from now on."""
    _Own.add = add


def note_child(pid: int, what: str) -> None:
    """Write down a process of ours that must not outlive this one; nothing, where no run is on record."""
    if _Own.add is not None:
        _Own.add(known(pid, what))


def _locked(path: Path) -> int | None:
    """Return the descriptor of a lock that is now ours; None when somebody else has it."""
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held
