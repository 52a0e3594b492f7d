"""Trials of throttling: every form of saying when to come back, bursts, streams, tenants, models, and lost quotas."""

import asyncio
import email.utils

from brownout.canary import CanaryMint, run_key
from brownout.capacity import Behind, Limits
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota
from brownout.schedule import Scope, Timing
from tests.faults.trial import SEED, Scene, trial, trial_endpoint
from tests.faults.trials.region import EVERYWHERE
from tests.live import Seen, endpoint

_RETRY_HEADERS = {"retry-after", "retry-after-ms", "x-amz-retry-after"}


async def _told(scene: Scene, name: str) -> tuple[set[str], float | None, float | None]:
    """Return by which headers a dialect says when to come back, what its caller reads, and what evidence has."""
    seen = await scene.ask(name)
    assert seen.refusal is not None
    assert "throttled" == seen.refusal.kind
    headers = {header.lower() for header in seen.headers} & _RETRY_HEADERS
    assert b"retryDelay" not in seen.body
    return headers, seen.refusal.retry_after_s, scene.live.records[-1].retry_after_s


async def by_its_header_alone(scene: Scene) -> None:
    """Callers of every dialect read what it says."""
    says = scene.injection.settings["says"]
    for one in EVERYWHERE:
        assert ({says}, 2.0, 2.0) == await _told(scene, one.name)


async def nobody_is_held_to_it(scene: Scene) -> None:
    """No time is read, and evidence has none."""
    for one in EVERYWHERE:
        headers, read_s, evidence_s = await _told(scene, one.name)
        assert (None, None) == (read_s, evidence_s)
        assert (scene.injection.settings["says"] == "nothing") == (headers == set())


for _says in ("retry-after", "retry-after-ms", "x-amz-retry-after"):
    trial("throttling", at="all", endpoints=EVERYWHERE, settings={"says": _says})(by_its_header_alone)
for _says in ("negative", "nan", "garbage", "nothing"):
    trial("throttling", at="all", endpoints=EVERYWHERE, settings={"says": _says})(nobody_is_held_to_it)


@trial("throttling", at="all", endpoints=EVERYWHERE, settings={"says": "retry-after-date", "retry_after_s": 5.5})
async def by_a_date(scene: Scene) -> None:
    """By the reply's own clock; never too early, and less than two seconds late."""
    for one in EVERYWHERE:
        seen = await scene.ask(one.name)
        assert seen.refusal is not None
        assert 5.5 <= (seen.refusal.retry_after_s or 0.0) < 7.5
        until = email.utils.parsedate_to_datetime(seen.headers["Retry-After"])
        assert 0.0 <= (until - scene.live.clock.utc()).total_seconds() - 5.5 < 1.0


@trial("throttling", settings={"says": "a-day"})
async def come_back_tomorrow(scene: Scene) -> None:
    """The header says so; evidence has it that nothing was said that anybody could be held to."""
    assert ({"retry-after"}, 86400.0, None) == await _told(scene, "openai")


def _prompt_of(tenant: str) -> str:
    return f"{CanaryMint(run_key(SEED), ['acme']).value(tenant, 1)} say something"


@trial("throttling", scope=Scope(tenants=["acme"]))
async def one_tenants_quota(scene: Scene) -> None:
    """The tenant's requests are refused; others are not."""
    assert 429 == (await scene.ask(prompt=_prompt_of("acme"))).status
    assert (await scene.ask()).whole


@trial("throttling-bursts", scope=Scope(tenants=["acme"]), settings={"burst_s": 30.0})
async def one_tenants_bursts(scene: Scene) -> None:
    """The same, in bursts."""
    assert 429 == (await scene.ask(prompt=_prompt_of("acme"))).status
    assert (await scene.ask()).whole


@trial("throttling", at="openai,vertex", scope=Scope(models=["gemini-*"]))
async def one_models_quota(scene: Scene) -> None:
    """Requests for the model are refused; those for another are not."""
    assert [200, 429] == [(await scene.ask(name)).status for name in ("openai", "vertex")]


@trial("throttling-bursts", settings={"burst_s": 3.0, "pause_s": 4.0, "retry_after_s": 1.0})
async def throttled_and_not_and_throttled(scene: Scene) -> None:
    """Three seconds of every seven, and it says when to come back."""
    seen: list[Seen] = []
    for _ in range(14):
        seen.append(await scene.ask())
        await scene.wait(1.0 - (scene.live.clock.now_s() - seen[-1].asked_s))
    assert ([429] * 3 + [200] * 4) * 2 == [one.status for one in seen]
    assert 1.0 == (seen[0].refusal and seen[0].refusal.retry_after_s)


@trial("throttle-in-stream", at="all", endpoints=EVERYWHERE, settings={"after_tokens": 3})
async def an_event_after_the_200(scene: Scene) -> None:
    """Some tokens, then the dialect's throttling error; a request that is not streamed is a 429 (SageMaker: 400)."""
    for one in EVERYWHERE:
        seen = await scene.ask(one.name)
        assert seen.refusal is not None
        record = scene.live.records[-1]
        assert (200, "throttled", None) == (seen.status, seen.refusal.kind, seen.refusal.retry_after_s), one.name
        assert (200, "refused", "throttled", 3) == (record.status, record.outcome, record.refusal, record.tokens)
        whole = await scene.ask(one.name, stream=False)
        assert (400 if one.name == "sagemaker" else 429) == whole.status
        assert "refused" == scene.live.records[-1].outcome


@trial("throttle-in-stream", settings={"after_tokens": 5})
async def shorter_replies_are_whole(scene: Scene) -> None:
    """What ends before has nothing to be refused."""
    assert (await scene.ask(max_tokens=4)).whole
    assert "throttled" == getattr((await scene.ask()).refusal, "kind", "")


_PACE = Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0)
_QUOTAS: dict[str, tuple[str, Behind, Limits]] = {
    "paced": ("openai-chat", None, Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0, rate_rps=10, burst=10)),
    "on-demand": ("bedrock-converse", OnDemand(tokens_per_minute=60 * 5200, window_s=1), _PACE),
    "model-units": ("bedrock-converse", Provisioned(model_units=1, tokens_per_minute=60 * 5200, window_s=1), _PACE),
    "shared-quota": (
        "vertex-generate",
        SharedQuota(pool=Pool(tokens_per_s=5000, background=0.3, swing=0, refused_at_rest=0)),
        _PACE,
    ),
}


async def _fired(scene: Scene) -> int:
    fired, _ = await scene.world.injector._held[scene.injection.id].hold.fired()
    return fired


async def _ten(scene: Scene) -> int:
    """Ask ten at once, which the whole quota carries; return how many were refused."""
    seen = await asyncio.gather(*(scene.ask() for _ in range(10)))
    assert {200, 429} >= {one.status for one in seen}
    return sum(one.status == 429 for one in seen)


async def what_fitted_fits_no_more(scene: Scene) -> None:
    """Ten at once were carried; some of them are refused now, by load, and each of these is counted."""
    refused = await _ten(scene)
    await scene.wait(20)
    assert (await scene.ask()).whole
    assert 0 < refused < 10
    assert refused == await _fired(scene)


async def a_while_later(scene: Scene) -> None:
    """What was used is replenished in its own time."""
    await scene.wait(60)
    assert 0 == await _ten(scene)
    await scene.wait(60)


for _name, (_dialect, _behind, _limits) in _QUOTAS.items():
    trial(
        "quota-shrink",
        settings={"ratio": 0.4},
        timing=Timing(at_s=0, for_s=600),
        at=_name,
        endpoints=(endpoint(_name, _dialect, _behind, _limits),),
        cured=a_while_later,
    )(what_fitted_fits_no_more)


@trial(
    "quota-shrink",
    settings={"ratio": 0.1},
    at="vertex",
    endpoints=(
        trial_endpoint(
            "vertex",
            "vertex-generate",
            Provisioned(
                gsus=1,
                tokens_per_s=200,
                window_s=30,
                estimate_output_tokens=8,
                spill=SharedQuota(pool=Pool(tokens_per_s=1e6, background=0, swing=0, refused_at_rest=0)),
            ),
        ),
    ),
)
async def what_was_bought_spills(scene: Scene) -> None:
    """Nobody is refused; who would have had bought capacity is served on demand, and counted."""
    seen = await asyncio.gather(*(scene.ask() for _ in range(10)))
    spilled = sum(one.end is not None and one.end.tier == "ON_DEMAND" for one in seen)
    assert (True, True) == (all(one.whole for one in seen), spilled >= 9)
    assert spilled == await _fired(scene)


@trial(
    "quota-shrink",
    settings={"ratio": 0.0},
    timing=Timing(at_s=0, for_s=100, ramp_s=100),
    at="paced",
    endpoints=(endpoint("paced", *_QUOTAS["paced"]),),
)
async def it_ramps(scene: Scene) -> None:
    """More and more of the quota is lost; in the end hardly anybody gets in."""
    refused = []
    for _ in range(5):
        refused.append(await _ten(scene))
        await scene.wait(18)
    assert sorted(refused) == refused
    assert (True, True) == (refused[0] <= 2, refused[-1] >= 7)
