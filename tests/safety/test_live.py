"""Who is on record as running, what each holds, and that nobody is mistaken for somebody else."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from brownout.debts import Debt, owe
from brownout.errors import BadInput
from brownout.live import Live, holders, left_runs, still_owed
from brownout.planes import held
from brownout.processes import Known, known, lives, send
from brownout.state import state_folder
from fixtures.abort import _abort

_HOLDER = """\
import sys
from pathlib import Path
from brownout.live import Live
from brownout.planes import held
alone, together, ledger = sys.argv[1:]
with held(alone.split(), together.split()):
    live = Live(["holder"], [*alone.split(), *together.split()])
    live.runs_in(Path("/somewhere/runs/1"), Path(ledger) if ledger else None)
    print("held", flush=True)
    sys.stdin.read()
    live.end()
"""
Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hold(request: pytest.FixtureRequest) -> Hold:
    """Give a function that starts a process which holds planes until its stdin ends."""

    def start(alone: str = "", together: str = "", ledger: str = "") -> "subprocess.Popen[str]":
        process = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, "-c", _HOLDER, alone, together, ledger],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        request.addfinalizer(lambda: (process.kill(), process.communicate(timeout=10)))
        assert process.stdout is not None
        assert "held\n" == process.stdout.readline()
        return process

    return start


def _kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait(10)


def test_a_process_is_known_by_its_birth_and_not_by_its_id_alone() -> None:
    """One that has the id now, and was born at another time, is a stranger: it is not even sent a signal."""
    me = known(os.getpid())
    stranger = Known(pid=os.getpid(), born="1")

    assert (True, False) == (lives(me), lives(stranger))
    assert not send(stranger, signal.SIGKILL)


def test_a_process_that_is_gone_gets_no_signal(hold: Hold) -> None:
    """Neither while it is a zombie nor after."""
    process = hold()
    it = known(process.pid)
    assert lives(it)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    zombie = lives(it)
    process.wait(10)

    assert (False, False, False) == (zombie, lives(it), send(it, signal.SIGKILL))


def test_somebody_elses_process_is_never_ours() -> None:
    """A record that names it, by mistake or by malice, gets it nothing."""
    theirs = subprocess.Popen(["sleep", "60"], user=65534) if os.getuid() == 0 else None  # noqa: S607 - the system's
    try:
        assert not lives(known(theirs.pid if theirs else 1))
    finally:
        if theirs:
            theirs.kill()
            theirs.wait(10)


@pytest.mark.parametrize("wrong", ["a link", "open to others", "no folder"])
def test_a_state_folder_that_others_could_have_made_is_refused(wrong: str, state: Path, tmp_path: Path) -> None:
    """It decides which processes are ended."""
    if wrong == "a link":
        (tmp_path / "elsewhere").mkdir()
        state.symlink_to(tmp_path / "elsewhere")
    elif wrong == "no folder":
        state.write_text("")
    else:
        state.mkdir()
        state.chmod(0o755)

    with pytest.raises(BadInput, match="state folder"):
        state_folder()


def test_the_state_folder_is_the_owners_alone(state: Path) -> None:
    """Made with mode 0700."""
    assert state == state_folder()
    assert 0o700 == state.stat().st_mode & 0o777


def test_a_run_that_ends_in_order_leaves_no_record(state: Path) -> None:
    """Nor a lock."""
    live = Live(["gate"], [])
    during = [left.read() for left in left_runs()]
    live.end()

    assert [["brownout", "gate"]] == [record.argv for record in during if record]
    assert [] == list((state / "runs").iterdir())


def test_a_killed_run_that_owes_is_found(hold: Hold, tmp_path: Path) -> None:
    """While it lives it is nobody's business; once it is dead its debts are told."""
    process = hold(ledger=str(tmp_path / "debts"))
    owe(tmp_path / "debts", Debt(kind="test", what={"id": "7"}))
    alive = still_owed()
    _kill(process)

    assert [] == alive
    assert [["test (id 7)"]] == [record.debts for record in still_owed()]


def test_a_run_that_cannot_undo_what_it_owes_stays_on_record(tmp_path: Path) -> None:
    """Its process is gone, so the record is what is left to act on."""
    live = Live(["gate"], [])
    live.runs_in(tmp_path, tmp_path / "debts")
    owe(tmp_path / "debts", Debt(kind="unheard-of", what={"id": "7"}))
    live.end()

    assert [["unheard-of (id 7)"]] == [record.debts for record in still_owed()]


def test_the_second_who_wants_a_plane_is_told_who_has_it(hold: Hold) -> None:
    """Process, command, since when, where, and what ends it."""
    process = hold(alone="world:/a")

    with pytest.raises(BadInput) as error, held(["world:/a"]):
        pass

    said = str(error.value)
    (record,) = holders("world:/a")
    assert f"pid {process.pid} (brownout holder), since {record.since}, /somewhere/runs/1" in said
    assert "brownout abort" in said


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (("p", ""), ("p", ""), True),
        (("p", ""), ("", "p"), True),
        (("", "p"), ("p", ""), True),
        (("", "p"), ("", "p"), False),
        (("p", ""), ("q", ""), False),
        (("p q", ""), ("q r", ""), True),
    ],
)
def test_who_may_hold_a_plane_beside_whom(
    first: tuple[str, str],
    second: tuple[str, str],
    refused: bool,  # noqa: FBT001
    hold: Hold,
) -> None:
    """By hand several may stand side by side; who wants it alone is alone."""
    hold(*first)
    was_refused = False
    try:
        with held(second[0].split(), second[1].split()):
            pass
    except BadInput:
        was_refused = True

    assert refused == was_refused


def test_a_killed_holder_holds_no_more(hold: Hold) -> None:
    """The kernel frees it; no file has to be removed by hand."""
    process = hold(alone="p")
    _kill(process)

    with held(["p"]):
        assert [] == holders("p")


def test_who_was_refused_holds_nothing_else_of_what_it_wanted(hold: Hold) -> None:
    """Half of what a run needs is of no use to it."""
    hold(alone="q")
    with pytest.raises(BadInput), held(["p", "q"]):
        pass

    with held(["p"]):
        pass


def test_a_record_can_be_read_by_others_while_it_is_written(state: Path) -> None:
    """It is replaced whole, never written in place."""
    live = Live(["gate"], [])
    for number in range(50):
        live.add_child(Known(pid=number, born="1"))
        (record,) = [left.read() for left in left_runs()]
        assert record is not None
        assert number + 1 == len(record.children)
    assert msgspec.json.decode(next((state / "runs").glob("*.json")).read_bytes())["children"]
    live.end()


def test_a_record_that_cannot_be_read_is_said_and_keeps_no_other_from_its_end(state: Path) -> None:
    """Another version may have written it: what that run has left on, nobody here knows."""
    live = Live(["gate"], [])
    live.end()
    (state / "runs" / "1-2-3.json").write_text('{"process": 1}')

    with pytest.raises(BadInput, match=r"1-2-3\.json: this record of a run cannot be read"):
        still_owed()
    (ended,) = asyncio.run(_abort())

    assert str(state / "runs" / "1-2-3.json") == ended.run
    assert "remove the file" in ended.problems[0]


def _lock_files() -> list[Path]:
    return sorted((state_folder() / "planes").iterdir())


def test_a_plane_that_nobody_holds_leaves_no_file(hold: Hold) -> None:
    """The last of several holders takes it away; what a killed one has left, the next."""
    with held([], ["p"]):
        with held([], ["p"]):
            pass
        assert 1 == len(_lock_files())
    assert [] == _lock_files()
    killed = hold(alone="p")
    killed.kill()
    killed.wait()
    assert 1 == len(_lock_files())
    with held(["p"]):
        pass
    assert [] == _lock_files()


def test_a_lock_on_a_file_that_was_taken_away_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened it before its last holder took it away, and locks it after, begins again."""
    flock, locked = fcntl.flock, []

    def taken_away_once(lock: int, how: int) -> None:
        if not locked:
            _lock_files()[0].unlink()
        locked.append(lock)
        flock(lock, how)

    monkeypatch.setattr("brownout.planes.fcntl.flock", taken_away_once)
    with held(["p"]):
        assert 2 == len(locked)
        with pytest.raises(BadInput), held(["p"]):
            pass
