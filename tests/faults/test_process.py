"""Faults of the router's process strike a real one, count what they did, and leave it as it was."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

import faults  # noqa: F401 - registers every fault
from brownout.catalogue import sample
from brownout.clock import wait_until
from brownout.errors import BadInput
from brownout.fault import FAULTS
from brownout.target import Start, Target
from fixtures.launch import LaunchedTarget
from fixtures.ports import HeldPort, free_port, is_free
from tests.faults.victim import Scene, struck
from tests.waiting import came_true

_ASKS = {"flag-rollback"}  # it strikes no process, but asks a router that has flags: see test_flag_rollback.py
KINDS = sorted({kind for kind, cls in FAULTS.items() if sample(cls).acts_on == "target"} - _ASKS)

Story = Callable[[Scene], Awaitable[None]]

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of a running process are Linux's")


def _play(folder: Path, story: Story) -> None:
    async def main() -> None:
        async with struck(folder) as scene:
            await story(scene)

    asyncio.run(main())


async def _nobody_says_it_died(scene: Scene) -> bool:
    """Whether the news of a death, which would come by now, does not."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await scene.process.died()
            return False
    return True


async def _as_before(scene: Scene) -> None:
    assert (200, True, True) == (await scene.ask(), await scene.both_run(), scene.process.up)
    assert psutil.STATUS_STOPPED not in [one.status() for one in scene.running]
    assert await _nobody_says_it_died(scene)


def test_a_killed_router_refuses_connections_until_the_fault_is_lifted(tmp_path: Path) -> None:
    """Both its processes are killed and counted; nobody takes that for a death of its own; then it is as before."""

    async def story(scene: Scene) -> None:
        before = scene.process.pids()
        await scene.strike("router-killed")
        assert ("refused", [], False) == (await scene.ask(), scene.process.pids(), scene.process.up)
        assert [] == [pid for pid in before if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
        assert await _nobody_says_it_died(scene)
        off = await scene.lift()
        assert (2, True, "") == (off.fired, off.undone, off.why)
        assert set(before).isdisjoint(scene.process.pids())
        await _as_before(scene)

    _play(tmp_path, story)


def test_a_supervisor_starts_a_killed_router_again(tmp_path: Path) -> None:
    """It comes back by itself, and the lift starts no second one."""

    async def story(scene: Scene) -> None:
        await scene.strike("router-killed", down_s=0.05)

        async def back() -> bool:
            return scene.process.up

        assert await wait_until(back, within_s=20.0)
        assert 200 == await scene.ask()
        off = await scene.lift()
        assert (2, True, "xx") == (off.fired, off.undone, (scene.notes / "starts").read_text())
        await _as_before(scene)

    _play(tmp_path, story)


def test_a_lift_does_not_wait_for_the_supervisor(tmp_path: Path) -> None:
    """A router that would stay down for long is started at once when its fault is lifted."""

    async def story(scene: Scene) -> None:
        await scene.strike("router-killed", down_s=3600.0)
        assert (2, True) == ((off := await scene.lift()).fired, off.undone)
        await _as_before(scene)

    _play(tmp_path, story)


@pytest.mark.parametrize("deaf", [False, True])
def test_a_restarted_router_may_end_politely_and_is_killed_if_it_does_not(tmp_path: Path, *, deaf: bool) -> None:
    """SIGTERM first; what is left after the grace is killed; then it is started again, while the fault is on."""
    if deaf:
        (tmp_path / "deaf").touch()

    async def story(scene: Scene) -> None:
        before = scene.process.pids()
        await scene.strike("router-restarted", grace_s=0.3 if deaf else 20.0)

        async def another_is_up() -> bool:
            return scene.process.up and set(before).isdisjoint(scene.process.pids())

        assert await wait_until(another_is_up, within_s=20.0)
        off = await scene.lift()
        assert (2, True, not deaf) == (off.fired, off.undone, (scene.notes / "said-goodbye").exists())
        await _as_before(scene)

    _play(tmp_path, story)


def test_a_restart_ends_with_its_fault(tmp_path: Path) -> None:
    """A router that has not ended when the fault is lifted is killed, and is up again when the lift has been done."""
    (tmp_path / "deaf").touch()

    async def story(scene: Scene) -> None:
        before = scene.process.pids()
        await scene.strike("router-restarted", grace_s=3600.0)
        assert (await scene.lift()).undone
        assert set(before).isdisjoint(scene.process.pids())
        await _as_before(scene)

    _play(tmp_path, story)


def test_a_stopped_router_accepts_connections_and_says_nothing(tmp_path: Path) -> None:
    """All its processes stand still; lifted, the same ones run on."""

    async def story(scene: Scene) -> None:
        before = scene.process.pids()
        await scene.strike("router-stopped")
        assert ["stopped", "stopped"] == [one.status() for one in scene.running]
        assert "silence" == await scene.ask(within_s=0.5)
        off = await scene.lift()
        assert (2, True, before) == (off.fired, off.undone, scene.process.pids())
        await _as_before(scene)

    _play(tmp_path, story)


def test_a_router_without_processor_time_works_for_a_small_share_of_it(tmp_path: Path) -> None:
    """A process that would take a whole processor gets a small part of one, and all of it again afterwards."""

    async def story(scene: Scene) -> None:
        now_s = asyncio.get_running_loop().time
        await scene.ask("/spin")
        server = scene.running[0]
        before_s, began_s = sum(server.cpu_times()[:2]), now_s()
        await scene.strike("router-starved", cpu_share=0.05)

        async def enough_was_taken() -> bool:
            return now_s() - began_s > 1.0

        assert await wait_until(enough_was_taken, within_s=20.0)
        share = (sum(server.cpu_times()[:2]) - before_s) / (now_s() - began_s)
        off = await scene.lift()
        assert (True, True, True) == (off.fired > 0, off.undone, share < 0.3)
        await _as_before(scene)

    _play(tmp_path, story)


@linux
def test_a_router_without_memory_fails_what_needs_some(tmp_path: Path) -> None:
    """What it could do before it cannot do now; the old limits are read back, and then it can."""

    async def story(scene: Scene) -> None:
        limits = [one.rlimit(psutil.RLIMIT_DATA) for one in scene.running]
        assert 200 == await scene.ask("/take")
        await scene.strike("router-starved", what="memory", headroom_mb=8)
        assert 507 == await scene.ask("/take")
        off = await scene.lift()
        assert (2, True, limits) == (off.fired, off.undone, [one.rlimit(psutil.RLIMIT_DATA) for one in scene.running])
        assert 200 == await scene.ask("/take")
        await _as_before(scene)

    _play(tmp_path, story)


def test_memory_cannot_be_taken_where_the_system_has_no_way_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, with what to do instead; and the fault is not on."""
    monkeypatch.setattr("faults.router_starved.sys.platform", "darwin")

    async def story(scene: Scene) -> None:
        with pytest.raises(BadInput, match=r"needs Linux.*darwin.*what: cpu"):
            await scene.strike("router-starved", what="memory")
        assert [] == scene.injector.on

    _play(tmp_path, story)


@pytest.mark.parametrize("kind", KINDS)
def test_every_process_fault_acts_and_is_counted(kind: str, tmp_path: Path) -> None:
    """With its defaults, on a router that is well; and then the router is as before."""

    async def story(scene: Scene) -> None:
        await scene.strike(kind)
        (held,) = scene.injector._held.values()

        async def acted() -> bool:
            return (await held.hold.fired())[0] > 0

        assert await wait_until(acted, within_s=20.0)
        off = await scene.lift()
        assert (True, True) == (off.fired > 0, off.undone)
        await _as_before(scene)

    _play(tmp_path, story)


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_fault_that_nobody_met_can_be_undone(kind: str, tmp_path: Path) -> None:
    """On and off again at once: nothing is left of it."""

    async def story(scene: Scene) -> None:
        await scene.strike(kind)
        assert (await scene.lift()).undone
        await _as_before(scene)

    _play(tmp_path, story)


def test_a_router_that_does_not_come_up_again_has_died_of_it(tmp_path: Path) -> None:
    """That is the router's failure, and no fault that is on still."""

    async def story(scene: Scene) -> None:
        (scene.notes / "never-again").touch()
        await scene.strike("router-killed")
        off = await scene.lift()
        assert (2, True, False) == (off.fired, off.undone, scene.process.up)
        said = await scene.process.died()
        assert "started again, did not come up: ended before it was ready (exit code 1)" in said
        assert said.endswith("never again")

    _play(tmp_path, story)


def test_a_router_that_ends_by_itself_is_said_to_have_died(tmp_path: Path) -> None:
    """Also after a fault had ended it once, and it was up again."""

    async def story(scene: Scene) -> None:
        await scene.strike("router-killed")
        await scene.lift()
        for one in scene.running:
            one.kill()
        assert "the target ended by itself (exit code 137)" in await scene.process.died()

    _play(tmp_path, story)


def test_a_router_whose_test_is_over_is_not_started_again(tmp_path: Path) -> None:
    """Taking everything down does not wait for a router that comes up only to be ended."""

    async def story(scene: Scene) -> None:
        await scene.strike("router-killed")
        scene.process.retire()
        assert (True, "x") == ((await scene.lift()).undone, (scene.notes / "starts").read_text())

    _play(tmp_path, story)


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("router-stopped", {}),
        ("router-starved", {"cpu_share": 0.05}),
        ("router-killed", {}),
        ("router-killed", {"down_s": 0.0}),
    ],
)
def test_a_run_that_is_killed_leaves_nothing_of_a_struck_router(
    fault: str, settings: dict[str, object], tmp_path: Path
) -> None:
    """Stopped, starved, down or coming up again: whatever state it is in, it goes with who struck it."""
    code = f"from pathlib import Path; from tests.faults.victim import main; main(Path({str(tmp_path)!r}), {fault!r}, "
    root = Path(__file__).resolve().parents[2]
    run = subprocess.Popen([sys.executable, "-c", f"{code}{settings!r})"], cwd=root)  # noqa: S603 - ours
    try:
        assert came_true(lambda: (tmp_path / "pids").exists() and bool((tmp_path / "pids").read_text()))
        run.kill()
    finally:
        run.wait(20)

    assert came_true(lambda: _of(tmp_path) == [])


def _of(folder: Path) -> list[str]:
    """Return the victim's processes, by the script that they run; the one that it started was known by its id."""
    known = [int(word) for word in (folder / "pids").read_text().split()]
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE and (str(folder) in " ".join(one.cmdline()) or one.pid in known):
                found.append(f"{one.pid} {one.status()}")
    return found


def test_a_port_that_is_held_refuses_and_is_not_free() -> None:
    """While a router is down, its port waits for it."""
    port = HeldPort(free_port("held"))
    port.hold()
    held = is_free(port.port)
    port.release()

    assert (False, True) == (held, is_free(port.port))


def test_what_a_router_logged_last_is_told_briefly(tmp_path: Path) -> None:
    """A line of megabytes does not go into a verdict."""

    async def main() -> str:
        target = Target(target="wordy", start=Start(command=["wordy"]))
        router = LaunchedTarget(target, tmp_path, test_folder=tmp_path, world=tmp_path / "world.json", port=free_port())
        router.log.write_text("the first words\n" + "x" * 3_000_000 + "\nthe last words\n")
        return router.tail()

    assert ["x" * 499 + "\N{HORIZONTAL ELLIPSIS}", "the last words"] == asyncio.run(main()).splitlines()
