"""However a run ends, what it broke is whole again: in order, by the lease, or by what the run still owes."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.rundir import RunDir
from tests.safety.processes import done, events, faults, gate, inject, record, running, up
from tests.toxiproxy.conftest import Api
from tests.waiting import came_true

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are counted in /proc")


@pytest.fixture
def world(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A world that is up."""
    process = up(tmp_path)
    yield process
    process.kill()
    process.communicate(timeout=20)


def test_a_hand_that_is_killed_lets_go_within_the_lease_and_no_other_does(
    tmp_path: Path, world: "subprocess.Popen[str]"
) -> None:
    """Each injection is on a lease of its own: one hand does not keep another's fault on, nor lift it."""
    killed, other = inject(tmp_path, "region-down", "us-dc1"), inject(tmp_path, "throttling", "us-dc1")
    killed.kill()
    killed.communicate(timeout=10)
    run = tmp_path / "up" / "latest"

    assert came_true(lambda: ("region-down", "off", True) in events(run))
    assert "the lease ran out: nobody had kept it for 10 s" in faults(run)[-1]["why"]
    assert ["on", "on", "off"] == [event for _, event, _ in events(run)]

    other.send_signal(signal.SIGINT)
    other.communicate(timeout=20)
    assert ("throttling", "off", True) == events(run)[-1]
    assert world.poll() is None


def test_a_hand_that_is_asked_to_end_lifts_its_fault(tmp_path: Path, world: "subprocess.Popen[str]") -> None:
    """By Ctrl-C, by kill, by a terminal that closes: at once, and read back."""
    run = tmp_path / "up" / "latest"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        hand = inject(tmp_path, "region-down", "us-dc1")
        hand.send_signal(number)
        hand.communicate(timeout=20)

        assert 3 == hand.returncode, number
        assert ("region-down", "off", True) == events(run)[-1]
        assert not faults(run)[-1].get("why")
    assert world.poll() is None


def test_a_hand_whose_world_dies_says_so(tmp_path: Path, world: "subprocess.Popen[str]") -> None:
    """It ends with 3; the fault went with the world. What is left of the world is no world to put a fault on in."""
    hand = inject(tmp_path, "region-down", "us-dc1")
    world.kill()
    said, _ = hand.communicate(timeout=20)
    later = done("inject", "region-down", "--at", "us-dc1", "--out", str(tmp_path))

    assert 3 == hand.returncode, said
    assert "the world's process died" in said
    assert 64 == later.returncode
    assert "no world is up" in later.stderr


def test_by_hand_and_by_a_gate_a_world_is_not_broken_at_once(tmp_path: Path, world: "subprocess.Popen[str]") -> None:
    """Two hands may; a gate is told which hand has the world, and starts nothing."""
    hands = [inject(tmp_path, "region-down", "us-dc1"), inject(tmp_path, "throttling", "us-east-1")]
    refused = done("gate", "--target", "http://127.0.0.1:9", "--profile", "smoke", "--out", str(tmp_path))
    for hand in hands:
        hand.send_signal(signal.SIGINT)
        hand.communicate(timeout=20)

    assert 64 == refused.returncode, refused.stderr
    for hand in hands:
        assert f"pid {hand.pid} (brownout inject" in refused.stderr
    assert not (tmp_path / "gate").exists()
    assert world.poll() is None


def test_a_terminal_that_closes_ends_a_gate_in_order(tmp_path: Path) -> None:
    """SIGHUP is a way of saying that nobody watches any more."""
    run = gate(tmp_path / "out")
    run.send_signal(signal.SIGHUP)
    run.communicate(timeout=30)

    assert 3 == run.returncode
    assert ("region-down", "off", True) == events(tmp_path / "out/gate/latest")[-1]
    assert [] == running(tmp_path / "out")


def test_a_world_that_is_killed_ends_its_run_in_order_and_never_green(tmp_path: Path, state: Path, server: Api) -> None:
    """Exit code 3, the reason on record, no promise broken by it; the run itself takes away what the world had left."""
    run = gate(tmp_path / "out", env={"TOXIPROXY_URL": server.url})
    (world,) = [child["pid"] for child in record(state)["children"] if child["what"] == "world"]
    subprocess.run(["kill", "-9", str(world)], check=True)  # noqa: S603, S607 - the system's
    said, _ = run.communicate(timeout=60)

    judged = RunDir.open(tmp_path / "out/gate/latest")
    assert 3 == run.returncode, said
    assert "the world's process died" in judged.verdicts().stopped
    assert "fail" not in {promise.outcome for promise in judged.verdicts().promises}
    assert "pass" != judged.verdicts().outcome
    assert {} == server.ok("GET", "/proxies")
    assert "undone at the end: toxiproxy-proxies" in said
    assert [] == list(judged.debts.iterdir())
    assert came_true(lambda: not running(tmp_path / "out")), running(tmp_path / "out")
    assert [] == list((state / "runs").iterdir())
