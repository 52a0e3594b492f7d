"""Faults in pools of GPUs: where they can act, how they ramp and overlap, and the pools that ship."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest

from brownout.capacity.gpu_engine import GpuSeat
from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from brownout.capacity.paced import Limits
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.placing import Placed, place
from brownout.plan import PlannedInjection
from brownout.schedule import Timing
from brownout.topology import Tenant, Topology
from fixtures.catalogue import load_topology
from tests.capacity.gpu_load import ask_steadily, demand, run
from tests.faults.trial import Scene, Trial, play, trial_endpoint

_ENDPOINTS = (
    trial_endpoint("gpus", "openai-chat", GpuPoolSettings(instances=4, spare_instances=0, startup_scale=0.1)),
    trial_endpoint("paced", "openai-chat"),
)
_TOPOLOGY = Topology(topology="t", endpoints=list(_ENDPOINTS), tenants={"acme": Tenant(allow=["gpus"])})
_KINDS = (
    "engine-death",
    "gpu-memory-full",
    "gpu-out-of-memory",
    "instance-loss",
    "no-instances",
    "rank-hang",
    "slow-gpu",
    "slow-start",
)
_SHORT = Timing(at_s=0, for_s=60)


def _placed(kind: str, at: str = "gpus", timing: Timing = _SHORT, **settings: object) -> PlannedInjection:
    (planned,) = place(Placed(id=kind, fault=kind, settings=settings, at=at, timing=timing), _TOPOLOGY, seed=1)
    return planned


async def _nothing(scene: Scene) -> None:
    del scene


def _staged(folder: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a story in a world where nothing is on yet."""
    play(Trial(kind="slow-gpu", name="none", meets=_nothing, at="gpus", endpoints=_ENDPOINTS), folder, story)


@pytest.mark.parametrize("kind", _KINDS)
def test_without_a_pool_there_is_nothing_to_break(kind: str) -> None:
    """The plan is refused, with what to write."""
    with pytest.raises(BadInput, match=r"at paced: no pool of GPUs stands behind it\..*kind: gpu-pool"):
        _placed(kind, at="paced")


def test_what_a_pool_does_not_have_cannot_be_broken() -> None:
    """A fifth instance of four, and five of them."""
    with pytest.raises(BadInput, match="no instance 4, its pool has 4"):
        _placed("rank-hang", instance=4)
    with pytest.raises(BadInput, match="its pool has 4 instances, and 5 cannot be lost"):
        _placed("instance-loss", instances=5)


def test_lost_machines_come_back_one_by_one(tmp_path: Path) -> None:
    """A long linear repair: on a ramp down the pool grows step by step, and nobody who is served is cut for it."""
    timing = Timing(at_s=0, for_s=100, ramp_down_s=80)
    current: list[int] = []

    async def story(scene: Scene) -> None:
        injector, pool = scene.world.injector, scene.live.capacity("gpus")
        await injector.inject(_placed("instance-loss", instances=3, timing=timing))
        cut_by_loss = len(pool.events)
        for _ in range(20):
            await scene.wait(5)
            current.append(pool.current)
        survivors = {event.instance for event in pool.events[cut_by_loss:] if event.what == "gone"}
        await injector.lift("instance-loss")
        assert (4, True, False) == (pool.current, scene.faults[-1].undone, 0 in survivors)

    _staged(tmp_path, story)
    assert [1, 2, 3] == sorted(set(current))
    assert current == sorted(current)


def test_two_on_one_pool_let_go_each_for_itself(tmp_path: Path) -> None:
    """Two engines are dead; the first lift has one up, and the other stays dead."""

    async def story(scene: Scene) -> None:
        injector, pool = scene.world.injector, scene.live.capacity("gpus")
        first, second = _placed("engine-death"), _placed("engine-death")
        await injector.inject(first)
        await injector.inject(msgspec.structs.replace(second, id="second"))
        assert 2 == pool.current
        await injector.lift("engine-death")
        assert 3 == pool.current
        await injector.lift("second")
        assert (4, [True, True]) == (pool.current, [one.undone for one in scene.faults if one.event == "off"])

    _staged(tmp_path, story)


_HARSH: dict[str, dict[str, object]] = {"instance-loss": {"instances": 4}, "rank-hang": {"instance": 3}}


@pytest.mark.parametrize("second", _KINDS)
@pytest.mark.parametrize("first", _KINDS)
def test_any_two_on_one_pool_leave_it_whole(first: str, second: str, tmp_path: Path) -> None:
    """Whatever the first has left to be broken, in whichever order they go; after both, all instances serve."""

    async def story(scene: Scene) -> None:
        injector, pool = scene.world.injector, scene.live.capacity("gpus")
        for order in (1, -1):
            pair = [msgspec.structs.replace(_placed(kind, **_HARSH.get(kind, {})), id=f"{n}") for n, kind in both]
            for one in pair:
                await injector.inject(one)
                await asyncio.gather(*(_asked(scene) for _ in range(8)))
                await scene.wait(3)
            for one in pair[::order]:
                await injector.lift(one.id)
                await scene.wait(1)
            assert (4, []) == (len(pool.serving), injector.on)
            await scene.healthy()
        assert [(True, "")] * 4 == [(one.undone, one.why) for one in scene.faults if one.event == "off"]

    both = list(enumerate((first, second)))
    _staged(tmp_path, story)


async def _asked(scene: Scene) -> None:
    """Ask, and do not care: what hangs is left after a while."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(2):
            await scene.ask()


def test_what_has_nothing_left_to_break_breaks_nothing(tmp_path: Path) -> None:
    """All machines are lost: no engine is there that could die, none is said to have, and the run goes on."""

    async def story(scene: Scene) -> None:
        injector = scene.world.injector
        await injector.inject(_placed("instance-loss", instances=4))
        for kind in ("engine-death", "rank-hang"):
            await injector.inject(_placed(kind))
            await injector.lift(kind)
        await injector.inject(msgspec.structs.replace(_placed("instance-loss"), id="more"))
        await injector.lift("more")
        assert [(0, True, "")] * 3 == [(one.fired, one.undone, one.why) for one in scene.faults if one.event == "off"]
        await injector.lift("instance-loss")
        await scene.healthy()

    _staged(tmp_path, story)


# --- the pools that ship --------------------------------------------------------------------------------------------


def _shipped(name: str) -> GpuPool:
    behind = load_topology("own-gpus").endpoint(name).behind
    assert isinstance(behind, GpuPoolSettings)
    return behind.make(Limits(), rng_for(1, name))


def _first_tokens_s(asked: list[tuple[float, GpuSeat]]) -> list[float]:
    return [seat.due_s[0] - at_s for at_s, seat in asked]


@pytest.mark.parametrize("name", ["gpus-us", "sagemaker-us-east-1"])
def test_the_shipped_pools_carry_chat_with_ease(name: str) -> None:
    """At 15 short requests a second every first token is there in a quarter of a second."""
    pool = _shipped(name)
    asked = ask_steadily(pool, 15.0, 300, demand(60, 16, 16))
    run(pool)
    assert (0, True) == (pool.preemptions, max(_first_tokens_s(asked)) < 0.25)


def test_a_burst_of_recaps_exhausts_the_shipped_pool() -> None:
    """Six long prompts a second for half a minute are more than its caches hold, the more so when machines are gone."""
    late_s = []
    for lost in (0, 2):
        pool = _shipped("gpus-us")
        if lost:
            pool.withhold_instances(0.0)
            pool.lose_instances(0.0, lost)
        asked = ask_steadily(pool, 6.0, 180, demand(1500, 120))
        run(pool, 300.0)
        late_s.append(max(_first_tokens_s(asked)))
    assert (True, True) == (2.0 < late_s[0], 2 * late_s[0] < late_s[1])
