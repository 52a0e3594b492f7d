"""Trials of what goes wrong in pools of GPUs."""

import asyncio
from collections.abc import Sequence
from typing import Any

from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from tests.faults.trial import Scene, trial, trial_endpoint
from tests.live import Seen

_RESTART_S = 30.0


def _pool(name: str = "own", dialect: str = "openai-chat", **settings: Any) -> Any:
    """Return an endpoint with a small pool, whose instances start in 40 s and restart in 30 s."""
    stages = {"provision_s": 10.0, "image_pull_s": 20.0, "weights_s": 20.0, "start_s": 10.0}
    return trial_endpoint(name, dialect, GpuPoolSettings(**(stages | {"kv_tokens": 4000} | settings)))


_ONE = (_pool(),)
_TWO = (_pool(instances=2),)
_HOSTED = (_pool("hosted", "sagemaker-invoke", front="sagemaker", server="tgi"),)


async def _together(scene: Scene, count: int, **changes: Any) -> Sequence[Seen]:
    return await asyncio.gather(*(scene.ask(**changes) for _ in range(count)))


async def _nobody_listens(scene: Scene) -> bool:
    """Ask; return whether the connection was refused, which the fault plane passes on as one that ends at once."""
    seen = await scene.ask()
    return (0, b"") == (seen.status, seen.body) and seen.broken is not None and seen.ended_s == seen.asked_s


async def _up_again(scene: Scene) -> None:
    """Wait until the pool is whole."""
    pool = scene.live.capacity(scene.at)
    await scene.live.until(lambda: pool.current == pool.desired, within_s=10 * _RESTART_S)


def _longest_gap_s(seen: Seen) -> float:
    return max(later - sooner for sooner, later in zip(seen.tokens_s, seen.tokens_s[1:], strict=False))


@trial("gpu-memory-full", settings={"left_ratio": 0.4}, at="own", endpoints=_ONE)
async def all_are_served_and_late(scene: Scene) -> None:
    """Nothing fails; of four that would run side by side, one waits until another is done."""
    seen = await _together(scene, 4)
    firsts_s = sorted(one.tokens_s[0] for one in seen)
    assert ([True] * 4, True) == ([one.whole for one in seen], firsts_s[2] < 0.2 < firsts_s[3])


@trial("gpu-memory-full", settings={"left_ratio": 0.3}, at="own", endpoints=_ONE)
async def a_stream_stalls_and_goes_on(scene: Scene) -> None:
    """Two answers grow until the cache holds one of them; the other loses its place, and has it again later."""
    seen = await _together(scene, 2, max_tokens=200)
    assert ([True, True], True) == ([one.whole for one in seen], max(map(_longest_gap_s, seen)) > 0.5)


@trial("slow-gpu", settings={"slowdown_ratio": 10}, at="own", endpoints=_ONE)
async def tokens_come_slowly(scene: Scene) -> None:
    """Some 30 ms between tokens are some 300."""
    assert 0.25 < _longest_gap_s(await scene.ask()) < 0.4


@trial("slow-start", settings={"slowdown_ratio": 4}, at="own", endpoints=_ONE, cured=_up_again)
async def a_restart_takes_four_times_as_long(scene: Scene) -> None:
    """An engine that dies is not back after the time in which it would have been."""
    scene.live.shell(scene.at).turn(GpuPool.kill_engine, 0)
    await scene.wait(5 + 2 * _RESTART_S)
    assert await _nobody_listens(scene)


@trial("no-instances", at="own", endpoints=_ONE)
async def a_scale_out_finds_nothing(scene: Scene) -> None:
    """A second instance that was asked for is not there after minutes."""
    shell, pool = scene.live.shell(scene.at), scene.live.capacity(scene.at)
    shell.turn(GpuPool.scale_to, 2)
    await scene.wait(600)
    assert ({"InsufficientInstanceCapacity"}, 1) == ({event.what for event in pool.events[1:]}, pool.current)
    assert (await scene.ask()).whole


@trial("no-instances", at="own", endpoints=_TWO)
async def a_lost_machine_is_not_replaced(scene: Scene) -> None:
    """Without the fault there would be a replacement within a minute."""
    scene.live.shell(scene.at).turn(GpuPool.lose_instances, 1)
    await scene.wait(60)
    assert 1 == len(scene.live.capacity(scene.at).instances)


@trial("instance-loss", at="own", endpoints=(_pool(spare_instances=0),))
async def nobody_is_left(scene: Scene) -> None:
    """Connections are refused."""
    assert await _nobody_listens(scene)


@trial("instance-loss", at="own", endpoints=(_pool(spare_instances=0),))
async def what_was_on_it_is_cut(scene: Scene) -> None:
    """A stream that flows breaks."""
    await scene.lift()
    asked = asyncio.ensure_future(scene.ask(max_tokens=200))
    await scene.wait(1)
    await scene.put_on()
    seen = await asked
    assert (True, False) == (len(seen.tokens) > 10, seen.whole)


@trial("instance-loss", at="own", endpoints=(_pool(instances=2, spare_instances=0),))
async def the_rest_carries_the_load(scene: Scene) -> None:
    """Two that would have had an instance each share one, and are served."""
    seen = await _together(scene, 2)
    assert ([True, True], [2]) == (
        [one.whole for one in seen],
        [sum(event.what == "in-service" for event in scene.live.capacity(scene.at).events)],
    )


@trial("instance-loss", at="hosted", endpoints=_HOSTED)
async def sagemaker_has_no_instance(scene: Scene) -> None:
    """Its front is there, and says 503."""
    seen = await scene.ask()
    assert seen.refusal is not None
    assert (503, "unavailable") == (seen.status, seen.refusal.kind)


@trial("rank-hang", at="own", endpoints=_ONE)
async def a_request_hangs(scene: Scene) -> None:
    """It is taken, and no byte comes."""
    asked = asyncio.ensure_future(scene.ask())
    await scene.wait(200)
    assert (False, ["in-service"]) == (asked.done(), [one.state for one in scene.live.capacity(scene.at).instances])
    asked.cancel()


@trial("rank-hang", at="own", endpoints=(_pool(watchdog_s=100),))
async def the_watchdog_ends_it(scene: Scene) -> None:
    """In the end the connection is cut, and the process restarts."""
    seen = await scene.ask()
    assert (True, True) == (100 <= seen.ended_s - seen.asked_s < 101, seen.broken is not None)
    assert await _nobody_listens(scene)


@trial("engine-death", at="own", endpoints=_ONE)
async def five_hundred_and_then_nobody(scene: Scene) -> None:
    """The server says that its engine is dead, exits, and is refused until weights are loaded."""
    assert 500 == (await scene.ask()).status
    await scene.wait(6)
    assert await _nobody_listens(scene)


@trial("engine-death", at="hosted", endpoints=_HOSTED)
async def a_model_error_of_sagemaker(scene: Scene) -> None:
    """A container whose engine has died is a 424."""
    seen = await scene.ask()
    assert seen.refusal is not None
    assert (424, "model-error") == (seen.status, seen.refusal.kind)


@trial("gpu-out-of-memory", settings={"over_tokens": 1000}, at="own", endpoints=_ONE)
async def a_long_prompt_takes_the_engine_along(scene: Scene) -> None:
    """Short ones are served; beside a long one they fail, and then nobody listens."""
    assert (await scene.ask()).whole
    beside = asyncio.ensure_future(scene.ask(max_tokens=200))
    await scene.wait(1)
    long = await scene.ask(prompt="word " * 1200)
    assert (500, False) == (long.status, (await beside).whole)
    await scene.wait(6)
    assert await _nobody_listens(scene)


@trial("gpu-out-of-memory", at="hosted", endpoints=_HOSTED)
async def a_batch_fails_behind_sagemaker(scene: Scene) -> None:
    """The container goes on: each is a 424 of its own."""
    assert [424, 424] == [(await scene.ask()).status for _ in range(2)]
