"""Trials of outages: of zones, vendors, control planes; of recoveries that are slow, cold, crowded or taken back."""

import asyncio
from collections import Counter

import aiohttp

from brownout.capacity import Limits
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota
from brownout.schedule import Scope, Timing
from fixtures.providers.services.service import IdentityService
from tests.faults.trial import DEFAULT_ENDPOINTS, Scene, trial, trial_endpoint
from tests.live import Seen, endpoint

EVERYWHERE = (
    *DEFAULT_ENDPOINTS,
    trial_endpoint("invoke", "bedrock-invoke"),
    trial_endpoint("rawpredict", "vertex-rawpredict"),
)
_CLIENT_ERRORS = {
    "invalid": dict.fromkeys([one.name for one in EVERYWHERE], 400),
    "model-error": dict.fromkeys([one.name for one in EVERYWHERE], 424) | {"vertex": 400, "rawpredict": 400},
    "throttled": dict.fromkeys([one.name for one in EVERYWHERE], 429) | {"sagemaker": 400},
}


async def _statuses(scene: Scene, *, stream: bool) -> dict[str, int]:
    return {one.name: (await scene.ask(one.name, stream=stream)).status for one in EVERYWHERE}


async def _crowd(scene: Scene, count: int, **changes: object) -> list[Seen]:
    return list(await asyncio.gather(*(scene.ask(**changes) for _ in range(count))))


@trial("client-error-outage", settings={"how": "invalid"}, at="all", endpoints=EVERYWHERE)
async def everywhere_a_400(scene: Scene) -> None:
    """Every dialect says so in its own words; streamed or not."""
    for stream in (True, False):
        assert _CLIENT_ERRORS["invalid"] == await _statuses(scene, stream=stream)


@trial("client-error-outage", settings={"how": "model-error"}, at="all", endpoints=EVERYWHERE)
async def a_424_where_there_is_one(scene: Scene) -> None:
    """Google has none, and says 400."""
    for stream in (True, False):
        assert _CLIENT_ERRORS["model-error"] == await _statuses(scene, stream=stream)
    seen = await scene.ask("sagemaker")
    assert seen.refusal is not None
    assert ("model-error", "ModelError") == (seen.refusal.kind, seen.refusal.code)


@trial("client-error-outage", settings={"how": "throttled"}, at="all", endpoints=EVERYWHERE)
async def a_429_that_names_no_time(scene: Scene) -> None:
    """An outage, though it looks like a quota; SageMaker's throttling is a 400."""
    for stream in (True, False):
        assert _CLIENT_ERRORS["throttled"] == await _statuses(scene, stream=stream)
    refusals = [(await scene.ask(one.name)).refusal for one in EVERYWHERE]
    assert [("throttled", None)] * len(EVERYWHERE) == [(one.kind, one.retry_after_s) for one in refusals if one]


@trial("client-error-outage", settings={"how": "mixed"}, at="bedrock")
async def one_client_error_or_another(scene: Scene) -> None:
    """All three come, and nothing else."""
    assert {400, 424, 429} == {one.status for one in await _crowd(scene, 30)}


@trial("vendor-outage", at="vendor:anthropic", settings={"refusal": "overloaded"})
async def one_vendors_models_on_every_cloud(scene: Scene) -> None:
    """Claude fails on Bedrock and at Anthropic's; SageMaker, in the same cloud, serves Llama on."""
    assert [503, 529] == [(await scene.ask(name)).status for name in ("bedrock", "anthropic")]
    assert [True] * 3 == [(await scene.ask(name)).whole for name in ("openai", "sagemaker", "vertex")]


@trial("vendor-outage", at="vendor:anthropic", scope=Scope(models=["*claude-sonnet*"]))
async def only_some_of_the_vendors_models(scene: Scene) -> None:
    """The scope's patterns say which."""
    assert [500, 500] == [(await scene.ask(name)).status for name in ("bedrock", "anthropic")]
    other = await scene.ask("anthropic", model="claude-3-haiku-20240307")
    assert 500 != other.status


@trial("flapping", settings={"period_s": 10.0, "down_share": 0.4})
async def down_and_up_and_down(scene: Scene) -> None:
    """Four seconds of every ten."""
    statuses = []
    for _ in range(20):
        statuses.append((await scene.ask()).status)
        await scene.wait(1.0 - 0.17 * (statuses[-1] == 200))  # a whole answer takes so long
    assert Counter({500: 8, 200: 12}) == Counter(statuses)
    assert [500] * 4 + [200] * 6 == statuses[:10]


@trial("slow-recovery", timing=Timing(at_s=0, for_s=100))
async def fewer_and_fewer_fail(scene: Scene) -> None:
    """About nine in ten at a tenth of the way, half of them half-way, one in ten near the end."""
    shares = []
    for at_s in (10.0, 50.0, 90.0):
        await _wait_until(scene, at_s)
        shares.append(sum(one.status == 500 for one in await _crowd(scene, 200)) / 200)
    for expected, share in zip((0.9, 0.5, 0.1), shares, strict=True):
        assert abs(expected - share) < 0.1, shares


@trial("slow-recovery", settings={"shape": "steps", "steps": 2}, timing=Timing(at_s=0, for_s=100))
async def half_at_once(scene: Scene) -> None:
    """Nobody is served before half-way, and half of them after."""
    await scene.wait(45)
    assert {500} == {one.status for one in await _crowd(scene, 50)}
    await scene.wait(10)
    served = sum(one.whole for one in await _crowd(scene, 200))
    assert 70 < served < 130


async def _wait_until(scene: Scene, on_for_s: float) -> None:
    """Wait until the fault has been on for so long."""
    began_s = next(one.at_s for one in reversed(scene.faults) if one.event == "on")
    await scene.wait(began_s + on_for_s - scene.live.clock.now_s())


@trial("zone-down", settings={"detected_after_s": 20.0})
async def a_third_of_them_until_it_is_noticed(scene: Scene) -> None:
    """Then everybody is served, though the fault is on still."""
    crowd = await _crowd(scene, 300)
    closed = sum(one.broken is not None for one in crowd)
    assert (300, True) == (closed + sum(one.whole for one in crowd), 70 < closed < 130)
    await scene.wait(20)
    assert all(one.whole for one in await _crowd(scene, 60))


@trial("zone-down", settings={"how": "silent", "gives_up_s": 30.0, "zones": 2}, at="bedrock")
async def a_dead_zone_says_nothing(scene: Scene) -> None:
    """Half of them wait half a minute, and are told that it took too long."""
    crowd = await _crowd(scene, 40)
    late = [one for one in crowd if not one.whole]
    assert 10 < len(late) < 30
    assert {("timeout", 30)} == {(one.refusal.kind, round(one.ended_s - one.asked_s)) for one in late if one.refusal}


@trial("zone-down", settings={"how": "5xx", "down": 2}, at="vertex")
async def two_zones_of_three_are_gone(scene: Scene) -> None:
    """Two thirds of them are told so at once."""
    crowd = await _crowd(scene, 300)
    assert 170 < sum(one.status == 503 for one in crowd) < 230


async def _status_of(scene: Scene, service: str) -> int:
    """Ask a service as anybody may; 0 where nobody listens."""
    try:
        async with scene.live.session.post(scene.world.cloud.service_urls[service]) as reply:
            return reply.status
    except aiohttp.ClientConnectorError:
        return 0


def _service(scene: Scene, name: str) -> IdentityService:
    return scene.world.cloud.services[name]


@trial("control-plane-down", at="sagemaker")
async def nobody_can_scale(scene: Scene) -> None:
    """The control plane says 503, endpoints answer, and every call was counted."""
    before = _service(scene, "sagemaker").hit
    assert [503] * 3 == [await _status_of(scene, "sagemaker") for _ in range(3)]
    assert (True, 3) == ((await scene.ask("sagemaker")).whole, _service(scene, "sagemaker").hit - before)
    assert 0 < await _status_of(scene, "sts") < 500


@trial("control-plane-down", settings={"how": "refused", "services": ["sagemaker", "sts"]}, at="sagemaker")
async def nobody_listens_there(scene: Scene) -> None:
    """Two of them refuse connections; endpoints answer."""
    assert [0, 0] == [await _status_of(scene, name) for name in ("sagemaker", "sts")]
    assert (True, True) == ((await scene.ask("sagemaker")).whole, await _status_of(scene, "iam_credentials") > 0)


@trial("control-plane-down", settings={"services": ["token"], "status": 500}, at="vertex")
async def nobody_gets_new_credentials(scene: Scene) -> None:
    """Who has no token yet gets none."""
    seen = await scene.ask("vertex")
    assert seen.refusal is not None
    assert ("unauthenticated", True) == (seen.refusal.kind, (await scene.ask("openai")).whole)


@trial("cold-cache", settings={"factor": 20.0, "half_life_requests": 2.0})
async def every_request_warms_it(scene: Scene) -> None:
    """The first token is late by nineteen times its own time, and by half as much two requests later."""
    late_s = [(await scene.ask()).tokens_s[0] - 0.1 for _ in range(5)]
    assert [1.9, 0.95, 0.475] == [round(late, 3) for late in late_s[::2]]


@trial("cold-cache", settings={"factor": 20.0, "half_life_requests": None, "half_life_s": 10.0})
async def time_warms_it(scene: Scene) -> None:
    """Ten seconds after, half the excess is left; a minute and a half after, nothing to speak of."""
    first_s = (await scene.ask()).tokens_s[0]
    await _wait_until(scene, 10.0)
    second_s = (await scene.ask()).tokens_s[0]
    await scene.wait(120)
    assert [2.0, 1.05, 0.1] == [round(one, 2) for one in (first_s, second_s, (await scene.ask()).tokens_s[0])]


@trial(
    "thundering-herd",
    settings={"rate_rps": 30.0, "decay_s": 10.0},
    endpoints=(endpoint("openai", "openai-chat", None, Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0, rate_rps=10)),),
)
async def the_bucket_is_empty(scene: Scene) -> None:
    """A quota that is enough is not, until the others have had theirs."""
    await scene.wait(3)
    assert {429} == {one.status for one in await _crowd(scene, 2)}
    await scene.wait(60)
    await scene.healthy()


@trial(
    "thundering-herd",
    settings={"rate_rps": 30.0, "decay_s": 10.0},
    endpoints=(
        endpoint("openai", "openai-chat", None, Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0, concurrent=8)),
    ),
)
async def every_server_is_busy(scene: Scene) -> None:
    """The others' answers are long; when they are done there is room."""
    await scene.wait(3)
    assert "overloaded" in {one.refusal.kind for one in await _crowd(scene, 3) if one.refusal}
    await scene.wait(90)
    assert 0 == scene.live.capacity().in_flight


@trial(
    "thundering-herd",
    settings={"rate_rps": 40.0, "decay_s": 5.0, "output_tokens": 400},
    endpoints=(endpoint("openai", "openai-chat", GpuPoolSettings(speedup=10.0, max_batch=4)),),
)
async def the_queue_is_long(scene: Scene) -> None:
    """Nobody is refused, and the first token waits behind the others'."""
    alone_s = 0.5
    await scene.wait(5)
    seen = await scene.ask()
    assert (True, True) == (seen.whole, seen.tokens_s[0] > 5 * alone_s)


_QUOTAS = {
    "on-demand": ("bedrock-converse", OnDemand(tokens_per_minute=60_000, window_s=1)),
    "model-units": ("bedrock-converse", Provisioned(model_units=1, tokens_per_minute=60_000, window_s=1)),
    "shared-quota": (
        "vertex-generate",
        SharedQuota(pool=Pool(tokens_per_s=5000, background=0.3, swing=0, refused_at_rest=0)),
    ),
}


async def the_quota_is_gone(scene: Scene) -> None:
    """What the others take is missing."""
    await scene.wait(4)
    assert 429 in {one.status for one in await _crowd(scene, 10, max_tokens=8)}


async def the_others_are_forgotten(scene: Scene) -> None:
    """What they took of a quota is replenished in its own time."""
    await scene.wait(120)


for _name, (_dialect, _behind) in _QUOTAS.items():
    trial(
        "thundering-herd",
        settings={"rate_rps": 40.0, "decay_s": 10.0, "prompt_tokens": 300, "output_tokens": 50},
        at=_name,
        endpoints=(trial_endpoint(_name, _dialect, _behind),),
        cured=the_others_are_forgotten,
    )(the_quota_is_gone)
