"""``brownout abort``: whatever runs is ended and whatever is owed is undone, in order or after every kind of kill."""

import json
import os
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest

import fixtures.abort  # noqa: F401 - what it imports is what it can settle
from brownout.debts import SETTLERS, Debt, owe
from brownout.live import Record
from brownout.processes import Known
from fixtures.guard import guarded
from fixtures.stakes import Stakes
from tests.safety.processes import done, events, faults, gate, inject, record, running, start, up
from tests.toxiproxy.conftest import Api
from tests.waiting import came_true

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are counted in /proc")
NOTHING = "nothing runs and nothing is owed\n"


def test_without_a_run_there_is_nothing_to_do() -> None:
    """And that is no failure."""
    aborted = done("abort")

    assert (0, NOTHING) == (aborted.returncode, aborted.stdout)


def test_a_gate_is_ended_in_order_and_a_second_abort_finds_nothing(tmp_path: Path) -> None:
    """The fault is lifted and read back, the run says that it was ended, nothing of it is left."""
    run = gate(tmp_path / "out")
    first, second = done("abort"), done("abort")
    run.communicate(timeout=30)

    assert (0, 3) == (first.returncode, run.returncode), first.stdout
    assert "it ended in order" in first.stdout
    assert (0, NOTHING) == (second.returncode, second.stdout)
    assert ("region-down", "off", True) == events(tmp_path / "out/gate/latest")[-1]
    assert [] == running(tmp_path / "out")


def test_aborts_at_the_same_time_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    """Whoever comes second waits for the first, and both say that all is reverted."""
    run = gate(tmp_path / "out")
    both = [start("abort") for _ in range(2)]
    said = [one.communicate(timeout=60)[0] for one in both]
    run.communicate(timeout=30)

    assert [0, 0] == [one.returncode for one in both], said
    assert [] == running(tmp_path / "out")


def test_after_kill_9_of_everything_what_is_owed_is_undone(tmp_path: Path, state: Path, server: Api) -> None:
    """Proxies on an external Toxiproxy outlive their world: a later run says so, and abort takes them away."""
    server.ok("POST", "/proxies", {"name": "theirs", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"})
    run = gate(tmp_path / "out", env={"TOXIPROXY_URL": server.url})
    pids = [run.pid, *(child["pid"] for child in record(state)["children"])]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    run.communicate(timeout=30)
    assert came_true(lambda: not running(tmp_path / "out")), running(tmp_path / "out")
    left = set(server.ok("GET", "/proxies"))

    aborted = done("abort", "--json")
    again = done("abort")

    assert len(left) > 1
    assert 0 == aborted.returncode, aborted.stdout
    (ended,) = json.loads(aborted.stdout)["runs"]
    assert "it was dead already" == ended["how"]
    assert 1 == len(ended["settled"])
    assert ["theirs"] == list(server.ok("GET", "/proxies"))
    assert (0, NOTHING) == (again.returncode, again.stdout)


def test_a_toxic_on_somebodys_toxiproxy_is_taken_off_after_kill_9(
    tmp_path: Path, server: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is left who could lift it; it was written down before it was added. What is theirs stays."""
    server.ok("POST", "/proxies", {"name": "checkout", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"})
    server.ok("POST", "/proxies/checkout/toxics", {"name": "theirs", "type": "latency", "attributes": {"latency": 1}})
    (tmp_path / "brownout.yaml").write_text(f"may_inject: ['toxiproxy:{server.url}/checkout']\n")
    monkeypatch.chdir(tmp_path)
    world = up(tmp_path)
    hand = inject(tmp_path, "toxiproxy", "us-dc1", f"url={server.url}", "proxy=checkout", "--yes")
    for one in (world, hand):
        one.kill()
        one.communicate(timeout=20)
    left = len(server.ok("GET", "/proxies/checkout/toxics"))

    aborted = done("abort")

    assert 2 == left
    assert 0 == aborted.returncode, aborted.stdout
    assert "undone: toxiproxy-toxic" in aborted.stdout
    assert ["theirs"] == [toxic["name"] for toxic in server.ok("GET", "/proxies/checkout/toxics")]
    assert NOTHING == done("abort").stdout


def test_whatever_faults_owe_abort_can_settle() -> None:
    """It knows every kind of debt before it begins."""
    assert {"fis-experiment", "toxiproxy-proxies", "toxiproxy-toxic"} == set(SETTLERS)


def test_a_later_run_says_that_a_killed_one_still_owes(
    tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loudly, with what it owes and what to do."""
    _forge(state, Known(pid=1, born="1"), ledger=tmp_path / "debts")
    owe(tmp_path / "debts", Debt(kind="unheard-of", what={"id": "7"}))
    with guarded(Stakes(), ["gate"]):
        pass

    said = capsys.readouterr().err
    assert "STILL OWES: unheard-of (id 7)" in said
    assert "brownout abort" in said


def test_what_cannot_be_undone_is_shouted_and_stays_owed(tmp_path: Path, state: Path) -> None:
    """Exit code 1, what it is, and that it has to be done by hand; the next abort says it again."""
    _forge(state, Known(pid=1, born="1"), ledger=tmp_path / "debts")
    owe(tmp_path / "debts", Debt(kind="toxiproxy-proxies", what={"url": "http://127.0.0.1:9", "prefix": "x-"}))

    for _ in range(2):
        aborted = done("abort")
        assert 1 == aborted.returncode
        assert "NOT CONFIRMED: toxiproxy-proxies (url http://127.0.0.1:9, prefix x-)" in aborted.stdout
        assert "by hand" in aborted.stdout
        assert "NOT EVERYTHING IS REVERTED" in aborted.stdout


def test_debts_are_found_by_the_run_directory_too(tmp_path: Path, server: Api) -> None:
    """The record may be lost with the session it was made in; the run directory stays."""
    server.ok("POST", "/proxies", {"name": "x-1", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"})
    owe(tmp_path / "run" / "debts", Debt(kind="toxiproxy-proxies", what={"url": server.url, "prefix": "x-"}))

    aborted = done("abort", str(tmp_path / "run"))

    assert 0 == aborted.returncode, aborted.stdout
    assert [] == list(server.ok("GET", "/proxies"))


def test_a_stranger_with_a_recorded_id_is_left_alone(state: Path) -> None:
    """A record's ids may have been given to others since: neither the run's nor its children's are trusted alone."""
    stranger = subprocess.Popen(["sleep", "60"])  # noqa: S607 - the system's
    try:
        false = Known(pid=stranger.pid, born="1")
        _forge(state, false, children=[false])
        aborted = done("abort")

        assert 0 == aborted.returncode, aborted.stdout
        assert stranger.poll() is None
        assert "killed" not in aborted.stdout
    finally:
        stranger.kill()
        stranger.wait(10)


def test_a_world_goes_after_the_faults_that_were_put_on_in_it(tmp_path: Path) -> None:
    """The hand lifts its fault while the world still stands; then the world goes."""
    world, hand = up(tmp_path), inject(tmp_path, "region-down", "us-dc1")
    aborted = done("abort")
    for one in (hand, world):
        one.communicate(timeout=30)

    assert 0 == aborted.returncode, aborted.stdout
    assert 2 == aborted.stdout.count("it ended in order")
    assert [("region-down", "on", None), ("region-down", "off", True)] == events(tmp_path / "up/latest")
    assert not faults(tmp_path / "up/latest")[-1].get("why")
    assert (3, 0) == (hand.returncode, world.returncode)
    assert [] == running(tmp_path)


def _forge(state: Path, process: Known, *, ledger: Path | None = None, children: list[Known] | None = None) -> None:
    """Leave the record of a run that nobody holds."""
    folder = state / "runs"
    folder.mkdir(parents=True, mode=0o700)
    state.chmod(0o700)
    left = Record(
        process=process,
        argv=["brownout", "gate"],
        cwd="/",
        since="then",
        ledger=str(ledger or ""),
        children=children or [],
    )
    (folder / "1-1.json").write_bytes(msgspec.json.encode(left))
