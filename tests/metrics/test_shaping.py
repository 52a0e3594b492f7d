"""Shares, rollback and shadow traffic: fail, pass and unknown, by literal histories; and what a target may describe."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

import faults  # noqa: F401 - registers every fault
from brownout.clock import LoopClock
from brownout.errors import BadInput
from brownout.evidence import FaultRecord
from brownout.intervals import Split
from brownout.plan import TARGET, PlannedInjection
from brownout.shaping import Experiment, Rollback, Shadow, Shaping, read_call
from brownout.verdict import Promise
from brownout.virtual import run_virtual
from brownout.workload import Workload
from fixtures.catalogue import load_topology
from fixtures.holds import Reach
from fixtures.injector import Injector
from fixtures.router.inside import RouterInside
from fixtures.router.shaping import Shaper
from tests.histories import (
    ABROAD,
    ACME,
    EUROPA,
    LAST_S,
    NEAR,
    OFF_S,
    ON_S,
    SPARE,
    Story,
    ask,
    attempt,
    fault_records,
)

SHARES = {NEAR: 0.7, SPARE: 0.3}
SHAPING = Shaping(
    experiment=Experiment(model="ab", shares=SHARES),
    rollback=Rollback(call="POST /flags off", back="POST /flags on", withdraws=SPARE),
    shadow=Shadow(model="shadowed", to=SPARE, share=0.5),
)
ROLLBACK = PlannedInjection(
    id="flag-rollback-1",
    fault="flag-rollback",
    settings={"call": "POST /flags off", "back": "POST /flags on"},
    at=TARGET,
    endpoints=[],
    at_s=ON_S,
    for_s=OFF_S - ON_S,
)
RATE_RPS = 20


def _story(folder: Path, slo: str, arm: Callable[[int, float], str], *, model: str = "ab", **plan: Any) -> Story:
    """Twenty requests a second for a model, each at the endpoint that is said by its number and when it was due."""
    known: dict[str, Any] = {"injections": [], "shaping": SHAPING, "workload": Workload(patience_s=8.0, model=model)}
    story = Story(folder, slo, **(known | plan))
    story.client, story.provider, story.faults = [], [], []
    for number in range(int(LAST_S * RATE_RPS)):
        due_s = number / RATE_RPS
        tenant = EUROPA if number % 11 == 10 else ACME
        place = ABROAD if tenant == EUROPA else arm(number, due_s)
        story.client.append(ask(number, due_s, tenant=tenant, served_by=place))
        story.provider.append(attempt(number, due_s + 0.01, place, tenant=tenant))
    return story


def _by(share: float) -> Callable[[int, float], str]:
    """A share of the requests, evenly, goes to the spare endpoint."""
    return lambda number, _: SPARE if int((number + 1) * share) > int(number * share) else NEAR


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.3, "pass"), (0.33, "pass"), (0.5, "fail"), (0.0, "fail"), (0.4, "unknown")]
)
def test_arms_get_their_shares(share: float, outcome: str, tmp_path: Path) -> None:
    """As meant, nearly, evenly, not at all; and too near the bound to tell."""
    assert outcome == _story(tmp_path, "ab_deviation_ratio <= 10%", _by(share)).verdict().outcome


def test_who_failed_over_still_belongs_to_the_arm_that_was_drawn(tmp_path: Path) -> None:
    """The first attempt counts."""
    story = _story(tmp_path, "ab_deviation_ratio <= 10%", _by(0.3))
    for number, record in enumerate(list(story.provider)):
        if record.endpoint == NEAR:
            story.provider.append(attempt(number, record.arrived_s + 0.1, SPARE, tenant=record.tenant))
    assert "pass" == story.verdict().outcome


def test_requests_at_no_arm_are_missing_from_the_arms(tmp_path: Path) -> None:
    """Half of them went where the experiment has no arm."""
    story = _story(tmp_path, "ab_deviation_ratio <= 10%", lambda number, _: ABROAD if number % 2 else NEAR)
    assert "fail" == story.verdict().outcome


def test_shares_of_another_model_are_unknown(tmp_path: Path) -> None:
    """Nobody asked for the experiment."""
    assert "unknown" == _story(tmp_path, "ab_deviation_ratio <= 10%", _by(0.3), model="").verdict().outcome


def _rolled_back(folder: Path, until_s: float, before: float = 0.3, **records: Any) -> Promise:
    """An experiment that goes on until an instant, and is rolled back ten seconds after the start of load."""
    by = _by(before)
    arm = lambda number, due_s: by(number, due_s) if due_s < until_s else NEAR  # noqa: E731
    story = _story(folder, "rollback_s <= 5s", arm, injections=[ROLLBACK])
    story.faults = fault_records("flag-rollback-1", fault="flag-rollback", **records)
    return story.verdict()


@pytest.mark.parametrize(
    ("until_s", "outcome"), [(ON_S, "pass"), (ON_S + 4.5, "pass"), (ON_S + 6, "fail"), (LAST_S, "fail")]
)
def test_a_rollback_ends_the_arm_in_time(until_s: float, outcome: str, tmp_path: Path) -> None:
    """At once, just in time, late, never."""
    assert outcome == _rolled_back(tmp_path, until_s).outcome


def test_a_rollback_that_was_not_obeyed_is_unknown(tmp_path: Path) -> None:
    """The target did not answer 2xx, so nobody knows whether it was told."""
    assert "unknown" == _rolled_back(tmp_path, LAST_S, fired=0).outcome


def test_an_arm_that_carried_nothing_cannot_be_seen_to_end(tmp_path: Path) -> None:
    """It would pass whatever the router did."""
    assert "unknown" == _rolled_back(tmp_path, ON_S, before=0.0).outcome


def _shadowed(folder: Path, slo: str, share: float) -> Story:
    """Requests that the near endpoint serves, a share of which went to the spare one, too."""
    story = _story(folder, slo, lambda *_: NEAR, model="shadowed")
    copied = _by(share)
    for number, record in enumerate(list(story.provider)):
        if record.tenant == ACME and copied(number, 0.0) == SPARE:
            story.provider.append(attempt(number, record.arrived_s, SPARE))
    return story


@pytest.mark.parametrize(("share", "outcome"), [(0.5, "pass"), (0.25, "fail"), (0.0, "fail"), (1.0, "fail")])
def test_copies_have_their_share(share: float, outcome: str, tmp_path: Path) -> None:
    """As meant, half of that, none, all."""
    assert outcome == _shadowed(tmp_path, "shadow_deviation_ratio <= 10%", share).verdict().outcome


def test_an_answer_of_the_shadows_is_one_too_many(tmp_path: Path) -> None:
    """One client got it."""
    story = _shadowed(tmp_path, "shadow_answers <= 0", 0.5)
    assert "pass" == story.verdict().outcome
    number, copied = _first_copied(story)
    story.client[number] = msgspec.structs.replace(story.client[number], served_by=SPARE)
    promise = story.verdict()
    assert ("fail", [copied]) == (promise.outcome, promise.witnesses)


def test_a_request_that_was_routed_to_the_shadows_endpoint_is_no_copy(tmp_path: Path) -> None:
    """It was sent nowhere else, and its answer is its own."""
    story = _shadowed(tmp_path, "shadow_answers <= 0", 0.5)
    number, routed = _first_copied(story)
    story.client[number] = msgspec.structs.replace(story.client[number], served_by=SPARE)
    story.provider = [one for one in story.provider if (one.canary, one.endpoint) != (routed, NEAR)]
    assert "pass" == story.verdict().outcome


def _first_copied(story: Story) -> tuple[int, str]:
    copied = {one.canary for one in story.provider if one.endpoint == SPARE}
    return next((number, one.canary) for number, one in enumerate(story.client) if one.canary in copied)


def test_answers_that_there_were_none_of_cannot_be_kept_back(tmp_path: Path) -> None:
    """Nothing was copied."""
    assert "unknown" == _shadowed(tmp_path, "shadow_answers <= 0", 0.0).verdict().outcome


_COUNTS = st.lists(st.integers(0, 300), min_size=2, max_size=4).filter(any)


@given(_COUNTS, st.randoms(use_true_random=False))
def test_a_split_lies_within_its_interval(hits: list[int], random: Any) -> None:
    """And more of the same never makes it wider."""
    weights = [random.random() + 0.01 for _ in hits]
    sample = Split(tuple(hits), tuple(weight / sum(weights) for weight in weights), sum(hits))
    low, high = sample.interval()
    assert 0 <= low <= sample.value + 1e-9
    assert sample.value <= high + 1e-9
    assert sample.times(4).interval()[1] <= high + 1e-9
    assert sample.with_([sample]) == sample.times(2)


@given(st.floats(0.05, 0.95), st.integers(50, 400))
def test_the_reference_routers_shares_are_never_off_by_a_request(share: float, count: int) -> None:
    """It counts, and draws no lots."""
    shaper = Shaper(Shaping(experiment=Experiment(model="ab", shares={NEAR: share, SPARE: 1 - share})))
    firsts = [shaper.in_order("ab", [NEAR, SPARE])[0] for _ in range(count)]
    assert abs(firsts.count(NEAR) - share * count) <= 1


def test_the_reference_router_shapes_within_the_tenants_boundary() -> None:
    """Who may not use an arm takes no part; who may not use the shadow endpoint is not copied."""
    shaper = Shaper(SHAPING)
    assert [[NEAR]] * 9 == [shaper.in_order("ab", [NEAR]) for _ in range(9)]
    assert [None] * 9 == [shaper.copied_to("shadowed", [NEAR]) for _ in range(9)]
    assert [None, SPARE] * 2 == [shaper.copied_to("shadowed", [NEAR, SPARE]) for _ in range(4)]


def test_places_become_endpoints() -> None:
    """Roles are filled from the topology."""
    shaping = Shaping(
        experiment=Experiment(model="ab", shares={"primary": 0.7, "fallback": 0.3}),
        rollback=Rollback(call="POST /f", back="POST /g", withdraws="fallback"),
        shadow=Shadow(model="s", to="vertex-us-central1", share=1.0),
    ).on(load_topology("slack"), where="t.yaml")
    assert shaping.experiment
    assert shaping.rollback
    assert ["bedrock-pt-us-east-1", "bedrock-od-us-west-2"] == list(shaping.experiment.shares)
    assert "bedrock-od-us-west-2" == shaping.rollback.withdraws


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ({"primary": 0.5, "bedrock-pt-us-east-1": 0.5}, "one endpoint"),
        ({"primary": 0.5, "us-east-1": 0.5}, "'us-east-1' is 2 endpoints"),
        ({"primary": 0.5, "falback": 0.5}, "Did you mean 'fallback'"),
    ],
)
def test_places_that_are_no_arms_are_refused(shares: dict[str, float], why: str) -> None:
    """Twice the same, several, unknown."""
    with pytest.raises(BadInput, match=why):
        Shaping(experiment=Experiment(model="ab", shares=shares)).on(load_topology("slack"), where="t.yaml")


@pytest.mark.parametrize(
    ("shaping", "why"),
    [
        (Shaping(experiment=Experiment(model="ab", shares={NEAR: 0.7, SPARE: 0.2})), "add up to 0.9"),
        (Shaping(experiment=Experiment(model="ab", shares={NEAR: 1.0})), "two arms at least"),
        (Shaping(rollback=SHAPING.rollback), "'spare' is no arm"),
    ],
)
def test_a_description_that_cannot_be_is_refused(shaping: Shaping, why: str) -> None:
    """Before anything starts."""
    with pytest.raises(BadInput, match=why):
        shaping.check(where="t.yaml: shaping")


@pytest.mark.parametrize("text", ["", "GET /flags", "POST flags", "post /flags"])
def test_a_call_that_is_none_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(BadInput, match="Write METHOD /path body"):
        read_call(text)


class _Flagged:
    """A router of sorts: it has a flag, and a status that it answers calls with."""

    def __init__(self, status: int) -> None:
        self.status, self.heard = status, list[str]()

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.heard.append(f"{request.method} {request.path} {await request.text()}".strip())
        return web.Response(status=self.status)

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("status", "heard", "fired", "undone"),
    [
        (204, ["POST /flags off", "POST /flags on"], 1, True),
        (404, ["POST /flags off"], 0, True),
        (500, ["POST /flags off", "POST /flags on"], 0, False),
    ],
)
def test_a_rollback_counts_only_when_it_was_obeyed(status: int, heard: list[str], fired: int, *, undone: bool) -> None:
    """Obeyed, refused, and neither: then nobody knows what the flag is now."""
    router, wrote = _Flagged(status), list[FaultRecord]()

    async def story() -> None:
        process = RouterInside(lambda: router, Path(os.devnull))  # type: ignore[arg-type,return-value]
        await process.start()
        clock = LoopClock()
        injector = Injector("t", Reach(clock=clock, process=process), clock=clock, record=wrote.append)
        await injector.inject(ROLLBACK)
        await asyncio.sleep(1)
        await injector.close()
        await process.close()

    run_virtual(story())
    assert (heard, fired, undone) == (router.heard, wrote[-1].fired, wrote[-1].undone)
