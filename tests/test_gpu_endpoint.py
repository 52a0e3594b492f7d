"""A GPU pool behind an endpoint: what goes wrong in it is seen on the wire as its server would show it."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brownout.answer import reply_tokens
from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from brownout.topology import Endpoint
from brownout.wire import Refusal
from tests.live import Live, Run, Seen, endpoint, really, virtually

BOTH = pytest.mark.parametrize("run", [virtually, really])


def _pool(dialect: str = "openai-chat", **settings: Any) -> Endpoint:
    """A pool whose server exits 0.2 s after its engine and is back 0.3 s later, and ten times as fast as measured."""
    quick = {
        "provision_s": 0.1,
        "image_pull_s": 0.1,
        "weights_s": 0.2,
        "start_s": 0.1,
        "exit_s": 0.2,
        "watchdog_s": 0.4,
    }
    return endpoint("gpu", dialect, GpuPoolSettings(**(quick | {"speedup": 10.0} | settings)))


async def _begin(live: Live, *, count: int = 1, **changes: Any) -> list["asyncio.Task[Seen]"]:
    """Ask some times at once, and wait until the pool generates all of it."""
    asking = [asyncio.create_task(live.ask(**({"max_tokens": 400} | changes))) for _ in range(count)]
    await live.until(lambda: live.capacity().running == count)
    return asking


async def _steps(live: Live, more: int = 5) -> None:
    pool = live.capacity()
    goal = pool.steps + more
    await live.until(lambda: pool.steps >= goal)


def _refused(seen: Seen) -> Refusal:
    assert seen.refusal is not None, seen
    return seen.refusal


@BOTH
def test_an_engine_that_dies_takes_its_requests_and_then_its_server_with_it(run: Run, tmp_path: Path) -> None:
    """Streams get an error as their next event, whole requests a 500 without a body; then nobody listens a while."""

    async def scenario(live: Live) -> None:
        streams = await _begin(live)
        wholes = [asyncio.create_task(live.ask(stream=False, max_tokens=400))]
        await live.until(lambda: live.capacity().running == 2)
        await _steps(live)
        port = live.cloud.addresses["gpu"]
        live.shell().turn(GpuPool.kill_engine, 0)
        stream, whole = await streams[0], await wholes[0]
        assert (200, "internal", None) == (stream.status, _refused(stream).kind, stream.end)
        assert stream.tokens
        assert b'"type":"InternalServerError"' in stream.body.splitlines()[-2]
        assert (500, b"") == (whole.status, whole.body)
        later = await live.ask(stream=False)  # the server lives on, without its engine
        assert (500, b"") == (later.status, later.body)
        await _nobody_listens(live)
        assert (await _served_again(live)).whole
        assert port == live.cloud.addresses["gpu"]

    run(scenario, tmp_path, _pool())


async def _nobody_listens(live: Live) -> None:
    """Wait for the server's end; callers learn of it at once, those with connections kept alive too."""
    await live.until(lambda: not live.capacity().listening)
    await asyncio.sleep(0.02)
    assert (await live.ask()).refused_connection


async def _served_again(live: Live) -> Seen:
    """Ask until somebody listens again."""
    async with asyncio.timeout(10):
        while (seen := await live.ask()).refused_connection:  # noqa: ASYNC110 - other sockets' state
            await asyncio.sleep(0.01)
    return seen


@BOTH
def test_a_lost_rank_hangs_its_requests_until_the_watchdog(run: Run, tmp_path: Path) -> None:
    """No byte more comes and no connection breaks; then all break at once, and nobody listens until the restart."""

    async def scenario(live: Live) -> None:
        (stream,) = await _begin(live)
        await _steps(live)
        live.shell().turn(GpuPool.lose_rank, 0)
        whole, late = (asyncio.create_task(live.ask(stream=mode)) for mode in (False, True))
        await live.until(lambda: live.shell().in_flight == 3)
        (view,) = live.capacity().instances
        assert ("in-service", True) == (view.state, live.capacity().listening)
        for asking in (stream, whole, late):
            seen = await asking
            assert seen.broken is not None
            assert not seen.refused_connection
        cut = await stream
        assert cut.ended_s - cut.events[-1][0] > 0.35, "the watchdog had not run out"
        assert 0 < len(cut.tokens) < 400
        assert ["cut"] * 3 == [record.outcome for record in live.records]
        assert (await live.ask()).refused_connection
        assert (await _served_again(live)).whole

    run(scenario, tmp_path, _pool())


@BOTH
def test_a_rank_that_comes_back_in_time_costs_no_token(run: Run, tmp_path: Path) -> None:
    """What hung goes on, and the caller has its whole answer."""

    async def scenario(live: Live) -> None:
        (stream,) = await _begin(live, max_tokens=40)
        await _steps(live)
        toll = live.shell().turn(GpuPool.lose_rank, 0)
        await asyncio.sleep(0.1)
        live.shell().turn(GpuPool.undo, toll)
        seen = await stream
        assert seen.whole, seen
        assert max(later - sooner for sooner, later in itertools.pairwise(seen.tokens_s)) > 0.09

    run(scenario, tmp_path, _pool(watchdog_s=20.0))


@BOTH
def test_a_preempted_stream_stalls_and_resumes_without_a_token_lost_or_doubled(run: Run, tmp_path: Path) -> None:
    """The newest loses its place when the cache shrinks; all answers are whole, word for word."""

    async def scenario(live: Live) -> None:
        asking = await _begin(live, count=3, max_tokens=60)
        await _steps(live)
        toll = live.shell().turn(GpuPool.shrink_kv, 0.4)
        assert (1, 2) == (live.capacity().waiting, live.capacity().running)
        answers = [await one for one in asking]
        stalls = [max(b - a for a, b in itertools.pairwise(one.tokens_s)) for one in answers]
        assert [True] * 3 == [one.whole for one in answers]
        expected = [text.split(" ", 1)[1] for text in _said(live, 60)]
        assert expected == [_text(one).split(" ", 1)[1] for one in answers]
        assert max(stalls) > 3 * sorted(stalls)[1]
        live.shell().turn(GpuPool.undo, toll)
        assert 3200 == live.capacity().kv_capacity_tokens

    run(scenario, tmp_path, _pool(kv_tokens=3200))


def _text(seen: Seen) -> str:
    return "".join(seen.tokens)


def _said(live: Live, tokens: int) -> list[str]:
    return ["".join(reply_tokens(live.shell().endpoint.name, None, tokens))] * 3


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({"server": "tgi"}, (429, {"error": "Model is overloaded", "error_type": "overloaded"})),
        ({"server": "triton"}, (503, "Exceeds maximum queue size")),
        ({"server": "tgi", "front": "sagemaker"}, (424, 429)),
        ({"server": "triton", "front": "sagemaker"}, (424, 503)),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_full_server_refuses_as_its_kind_does(
    tmp_path: Path, settings: dict[str, Any], seen: tuple[int, Any], *, stream: bool
) -> None:
    """TGI a 429 of its own shape, Triton a 503, and SageMaker's front its 424 with what its container said."""

    async def scenario(live: Live) -> None:
        asking = [asyncio.create_task(live.ask(stream=stream, max_tokens=30)) for _ in range(8)]
        answers = [await one for one in asking]
        refused = [one for one in answers if one.status != 200]
        assert 0 < len(refused) < 8
        assert all(one.whole for one in answers if one.status == 200)
        for one in refused:
            assert seen[0] == one.status
            body = json.loads(one.body)
            said = body.get("OriginalStatusCode") or (body if "error_type" in body else body["error"]["message"])
            assert seen[1] == said

    dialect = "sagemaker-invoke" if "front" in settings else "openai-chat"
    virtually(scenario, tmp_path, _pool(dialect, queue_limit=3, max_batch=2, **settings))


def test_beyond_its_capacity_vllm_refuses_nobody_and_lets_all_wait(tmp_path: Path) -> None:
    """Below capacity the first token takes what its prefill takes; beyond it there is no error, and waits grow."""

    async def scenario(live: Live) -> None:
        for rate_rps, slow in ((2.0, False), (40.0, True)):
            asking = []
            for _ in range(80):
                asking.append(asyncio.create_task(live.ask(max_tokens=100)))
                await asyncio.sleep(1 / rate_rps)
            answers = [await one for one in asking]
            assert all(one.whole for one in answers)
            first_s = [one.tokens_s[0] for one in answers]
            assert slow == (first_s[-1] > 10 * first_s[0]), first_s
            assert first_s[0] < 0.1

    virtually(scenario, tmp_path, _pool(speedup=1.0, max_batch=32))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("settings", "status", "kind"),
    [
        ({"server": "tgi"}, 424, "model-error"),
        ({"server": "triton"}, 500, "internal"),
        ({"server": "tgi", "front": "sagemaker"}, 424, "model-error"),
    ],
)
def test_a_batch_out_of_memory_fails_and_the_queue_goes_on(
    tmp_path: Path, settings: dict[str, Any], status: int, kind: str, *, stream: bool
) -> None:
    """What runs fails, in a frame where it has begun; what waits is served after it, without a restart."""

    async def scenario(live: Live) -> None:
        running = await _begin(live, count=2, stream=stream)
        await _steps(live)
        waiting = asyncio.create_task(live.ask(max_tokens=3, stream=stream))
        await live.until(lambda: live.capacity().waiting == 1)
        live.shell().turn(GpuPool.out_of_memory, 0)
        for one in running:
            failed = await one
            assert (200 if stream else status, kind) == (failed.status, _refused(failed).kind)
        assert (await waiting).whole
        assert ["in-service"] == [event.what for event in live.capacity().events]

    dialect = "sagemaker-invoke" if "front" in settings else "openai-chat"
    virtually(scenario, tmp_path, _pool(dialect, max_batch=2, **settings))


@BOTH
def test_lost_instances_cut_their_connections_and_others_serve_on(run: Run, tmp_path: Path) -> None:
    """Of two machines the newer takes its requests with it; the other's are whole, and new ones are served there."""

    async def scenario(live: Live) -> None:
        asking = await _begin(live, count=4, max_tokens=150)
        await _steps(live)
        live.shell().turn(GpuPool.lose_instances, 1)
        answers = [await one for one in asking]
        assert (2, 2) == (sum(one.whole for one in answers), sum(one.broken is not None for one in answers))
        assert (await live.ask()).whole

    run(scenario, tmp_path, _pool(instances=2, spare_instances=0))


@BOTH
def test_a_drained_pool_ends_what_it_has_and_a_scaled_one_listens_again(run: Run, tmp_path: Path) -> None:
    """Scaled to none, callers are refused a connection while streams go on to their ends; scaled out, all is well."""

    async def scenario(live: Live) -> None:
        (stream,) = await _begin(live, max_tokens=100)
        await live.ask(max_tokens=2)
        live.shell().turn(GpuPool.scale_to, 0)
        await _nobody_listens(live)
        assert (await stream).whole
        live.shell().turn(GpuPool.scale_to, 1)
        await _nobody_listens(live)  # machines take their time
        assert (await _served_again(live)).whole

    run(scenario, tmp_path, _pool(image_pull_s=0.4))


@BOTH
def test_an_idle_server_that_dies_hangs_up_and_nobody_need_ask(run: Run, tmp_path: Path) -> None:
    """A screw that is turned while nobody calls shuts the port by itself, and kept-alive connections end with it."""

    async def scenario(live: Live) -> None:
        assert (await live.ask()).whole
        (connection,) = {entry[0].transport for pool in live.session.connector._conns.values() for entry in pool}
        live.shell().turn(GpuPool.lose_instances, 1)
        await live.until(connection.is_closing)
        assert (await live.ask()).refused_connection
        assert 1 == len(live.records)

    run(scenario, tmp_path, _pool(spare_instances=0))


@BOTH
def test_a_pool_without_an_instance_is_not_listened_on(run: Run, tmp_path: Path) -> None:
    """From the very start: nothing is in service, so nobody answers; the first instance opens the port."""

    async def scenario(live: Live) -> None:
        assert (await live.ask()).refused_connection
        live.shell().turn(GpuPool.scale_to, 1)
        assert (await _served_again(live)).whole

    run(scenario, tmp_path, _pool(instances=0))


@pytest.mark.parametrize("stream", [True, False])
def test_sagemaker_is_there_when_its_containers_are_not(tmp_path: Path, *, stream: bool) -> None:
    """A dead engine is a ModelError with status 500, and where no instance is in service SageMaker says 503."""

    async def scenario(live: Live) -> None:
        (asking,) = await _begin(live, stream=stream)
        await _steps(live)
        live.shell().turn(GpuPool.kill_engine, 0)
        failed = await asking
        assert (200 if stream else 424) == failed.status
        if not stream:
            assert (500, "model-error") == (_refused(failed).original_status, _refused(failed).kind)
        await live.until(lambda: live.capacity().instances[0].state != "dying")
        assert 503 == (await live.ask(stream=stream)).status
        await live.until(lambda: live.capacity().current == 1)
        assert (await live.ask(stream=stream)).whole

    virtually(scenario, tmp_path, _pool("sagemaker-invoke", front="sagemaker"))


SCREWS: dict[str, Callable[[Live], object]] = {
    "rank": lambda live: live.shell().turn(GpuPool.lose_rank, 0),
    "kv": lambda live: live.shell().turn(GpuPool.shrink_kv, 0.01),
    "slow": lambda live: live.shell().turn(GpuPool.slow_steps, 1000.0),
    "dead": lambda live: live.shell().turn(GpuPool.kill_engine, 0),
    "gone": lambda live: live.shell().turn(GpuPool.lose_instances, 1),
}


@BOTH
@pytest.mark.parametrize("screw", list(SCREWS))
def test_a_world_that_closes_in_the_middle_leaves_nothing_behind(run: Run, tmp_path: Path, screw: str) -> None:
    """Whatever the pool is at, on closing every seat is given back, no timer is left, and no port opens again."""

    async def scenario(live: Live) -> None:
        asking = await _begin(live, count=4, stream=True)
        asking.append(asyncio.create_task(live.ask(stream=False)))
        await live.until(lambda: live.shell().in_flight == 5)
        SCREWS[screw](live)
        await live.cloud.close()
        await asyncio.gather(*asking)
        shell = live.shell()
        assert (0, 0, 0) == (live.capacity().running, live.capacity().waiting, len(shell.pump._waiting))
        assert shell.pump._timer is None
        assert 5 == len(live.records)
        shell.turn(GpuPool.scale_to, 0)
        shell.turn(GpuPool.scale_to, 1)
        assert shell.pump._timer is None
        assert (await live.ask()).refused_connection

    run(scenario, tmp_path, _pool())
