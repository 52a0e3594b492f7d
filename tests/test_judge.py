"""A verdict follows from the evidence, is never greener than the evidence, and is the same each time."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.evidence import ClientRecord, PhaseRecord, ProviderRecord
from brownout.judge import judge, judge_tests, read_histories
from brownout.metrics import METRICS, Metric, View
from brownout.plan import PlannedInjection
from brownout.verdict import Promise, overall
from tests.histories import (
    ABROAD,
    ACME,
    EUROPA,
    LAST_S,
    NEAR,
    OFF_S,
    ON_S,
    SPARE,
    TEST,
    Story,
    a_test,
    ask,
    attempt,
    fault_records,
    injection,
    lost,
    phases,
)

SERVED = "availability >= 95%"
EVERY = {
    "availability": "availability >= 95%",
    "served_during_fault": "served_during_fault >= 90%",
    "time_to_failover_s": "time_to_failover_s <= 5s",
    "time_to_recover_s": "time_to_recover_s <= 9s",
    "reopen_share_ratio": "reopen_share_ratio <= 70%",
    "retry_amplification": "retry_amplification <= 2x",
    "early_retry_ratio": "early_retry_ratio <= 5%",
    "boundary_violations": "boundary_violations <= 0",
    "truncated_as_success": "truncated_as_success <= 0",
    "hung_requests": "hung_requests <= 0",
    "target_exits": "target_exits <= 0",
    "ttft_p50_s": "ttft_p50_s <= 200ms",
    "ttft_p90_s": "ttft_p90_s <= 2s",
    "ttft_p95_s": "ttft_p95_s <= 2s",
    "ttft_p99_s": "ttft_p99_s <= 2s",
    "e2e_p99_s": "e2e_p99_s <= 3s",
    "time_to_serve_again_s": "time_to_serve_again_s <= 4s",
    "time_to_error_p90_s": "time_to_error_p90_s <= 3s",
    "time_to_error_p99_s": "time_to_error_p99_s <= 3s",
    "stream_held_ratio": "stream_held_ratio <= 50%",
    "foreign_answers": "foreign_answers <= 0",
    "unsaid_failures": "unsaid_failures <= 0",
    "unlifted_faults": "unlifted_faults <= 0",
}
_ANY_BOUND = {"ratio": "50%", "s": "3s", "count": "0", "x": "2x", "rps": "5rps"}
# Also those of the families, which have their cases elsewhere: what any history must bear, they must, too.
ALL = EVERY | {name: f"{name} <= {_ANY_BOUND[one.unit]}" for name, one in METRICS.items() if name not in EVERY}
DENSE_RPS = 16  # of 480 requests a p99 has an interval with two ends
Change = Callable[[Story], None]


def put(story: Story, place: int, record: ClientRecord) -> None:
    """Replace a request's record, keeping whose and when it was."""
    old = story.client[place]
    story.client[place] = msgspec.structs.replace(record, canary=old.canary, tenant=old.tenant)


def lose(story: Story, places: list[int], outcome: str = "refused", **changes: Any) -> None:
    """Let requests go unserved."""
    for place in places:
        due_s = story.client[place].due_s
        put(story, place, lost(place, due_s, outcome, **changes))


def shift(story: Story, places: list[int], late_s: float) -> None:
    """Let requests be answered so much later."""
    for place in places:
        one = story.client[place]
        first_s = (one.first_token_s or 0.0) + late_s
        story.client[place] = msgspec.structs.replace(one, first_token_s=first_s, end_s=one.end_s + late_s)


def hang(story: Story, places: list[int]) -> None:
    """Let requests never begin, until their client gives up."""
    for place in places:
        due_s = story.client[place].due_s
        put(story, place, lost(place, due_s, "hung", end_s=due_s + 8.0))


def _read_back(story: Story, *, undone: bool | None, ended: bool = True) -> None:
    """Let the undo be confirmed, refuted or not read at all; by a run that ended in order, or not."""
    story.faults = fault_records(undone=undone)
    if not ended:
        story.phases = phases("target-ready", "load-start", "load-end")


def _not_put_on(story: Story, *, undone: bool) -> None:
    """Let the fault break while it was put on, and what was begun of it be taken back, or not."""
    story.faults = [one for one in fault_records(undone=undone) if one.event == "off"]


def refuse_once(story: Story) -> None:
    """Let the near endpoint refuse one attempt with a Retry-After of 4 s."""
    _refuse(story, 12.0)


def refuse_often(story: Story, *, again_s: float) -> None:
    """Let it be asked twice more, both times so long after the first refusal, and refuse."""
    _refuse(story, 12.0, 12.0 + again_s, 12.0 + again_s)


def _refuse(story: Story, *instants: float) -> None:
    for number, at_s in enumerate(instants):
        story.provider.append(
            attempt(48 + number, at_s, outcome="refused", status=429, end_s=at_s + 0.01, retry_after_s=4.0)
        )


def nothing(story: Story) -> None:
    """Change nothing."""
    del story


def _cut(story: Story) -> None:
    story.provider.append(attempt(48, 12.5, outcome="cut"))


def _wrong(story: Story) -> None:
    _cut(story)
    put(story, 48, ask(48, 12.0, outcome="wrong", integrity="truncated"))


def _died(story: Story) -> None:
    story.phases = phases("target-ready", "load-start", "target-died", why={"target-died": "exit code 9; MemoryError"})


def _thrice(story: Story) -> None:
    story.provider += [
        attempt(n, n / 4 + 0.2 + k, NEAR if k else SPARE) for n in range(120) if n % 4 != 3 for k in (0, 1)
    ]


def _leave(story: Story) -> None:
    for place, one in enumerate(story.provider):
        if one.arrived_s >= OFF_S and one.endpoint == NEAR:
            story.provider[place] = msgspec.structs.replace(one, endpoint=SPARE)


def _few(story: Story) -> None:
    story.client = story.client[:4]


def _no_dues(story: Story) -> None:
    story.client = [one for one in story.client if not ON_S <= one.due_s < OFF_S]


def _no_canary(story: Story) -> None:
    story.provider = [msgspec.structs.replace(one, canary=None, tenant=None) for one in story.provider]


def _silent_tenant(story: Story) -> None:
    story.provider = [one for one in story.provider if one.tenant == ACME]


def _unfinished(story: Story) -> None:
    story.phases = phases("target-ready", "load-start")


def _abroad(story: Story) -> None:
    story.provider.append(attempt(49, 12.6, ABROAD))


def _just_stops(story: Story) -> None:
    _cut(story)
    put(story, 48, ask(48, 12.0, outcome="truncated", integrity="truncated"))


def _told(story: Story) -> None:
    """What the endpoint sent as whole had a broken piece, and its client was told so."""
    put(story, 48, ask(48, 12.0, outcome="error", error="stream_error", integrity=None, served_by=None))


def _hangs_up(story: Story) -> None:
    _cut(story)
    put(story, 48, ask(48, 12.0, outcome="error", error="reset", status=None, integrity=None, served_by=None))


def _mixed_up(story: Story) -> None:
    put(story, 48, ask(48, 12.0, outcome="wrong", integrity="foreign"))


def _streams(story: Story, held: float) -> None:
    """Every answer streams for a second at its endpoint, and reaches its client when so much of it is over."""
    for place, one in enumerate(story.provider):
        begun_s = one.arrived_s + 0.1
        story.provider[place] = msgspec.structs.replace(one, first_token_s=begun_s, end_s=begun_s + 1.0)
        story.client[place] = msgspec.structs.replace(
            story.client[place], first_token_s=begun_s + held, end_s=begun_s + 1.2
        )


def _told_after(story: Story, late_s: float) -> None:
    lose(story, story.during())
    for place, one in enumerate(story.client):
        if one.outcome == "refused":
            story.client[place] = msgspec.structs.replace(one, end_s=one.due_s + late_s)


@pytest.mark.parametrize(
    ("name", "change", "outcome", "observed"),
    [
        ("availability", nothing, "pass", 1.0),
        ("availability", lambda s: lose(s, s.during()[:2]), "pass", 0.983333),
        ("availability", lambda s: lose(s, s.during()[:3]), "unknown", 0.975),
        ("availability", lambda s: lose(s, s.during()[:6]), "unknown", 0.95),
        ("availability", lambda s: lose(s, s.during()[:10]), "unknown", 0.916667),
        ("availability", lambda s: lose(s, s.during()[:11]), "fail", 0.908333),
        ("availability", lambda s: s.client.clear(), "unknown", None),
        ("served_during_fault", nothing, "pass", 1.0),
        ("served_during_fault", lambda s: lose(s, s.during()[:1]), "unknown", 0.966667),
        ("served_during_fault", lambda s: lose(s, s.during()[:6]), "unknown", 0.8),
        ("served_during_fault", lambda s: lose(s, s.during()[:7]), "fail", 0.766667),
        ("served_during_fault", lambda s: lose(s, [43]), "pass", 1.0),  # a tenant that the fault does not touch
        ("served_during_fault", _no_dues, "unknown", None),
        ("time_to_failover_s", nothing, "pass", 0.0),
        ("time_to_failover_s", lambda s: lose(s, s.during()[:4]), "pass", 1.25),
        ("time_to_failover_s", lambda s: lose(s, s.during()), "fail", None),
        ("time_to_failover_s", _no_dues, "unknown", None),
        ("time_to_recover_s", nothing, "pass", 0.01),
        ("time_to_recover_s", _leave, "fail", None),
        ("time_to_recover_s", lambda s: lose(s, [n for n in range(80, 120) if n % 2]), "fail", None),
        ("time_to_recover_s", lambda s: s.client.__delitem__(slice(85, 120)), "unknown", None),
        ("reopen_share_ratio", nothing, "fail", 1.0),
        ("retry_amplification", nothing, "pass", 1.0),
        ("retry_amplification", _thrice, "fail", 2.5),
        ("retry_amplification", _few, "unknown", None),
        ("retry_amplification", _no_canary, "unknown", None),
        ("early_retry_ratio", refuse_once, "pass", 0.0),
        ("early_retry_ratio", lambda s: refuse_often(s, again_s=3.9), "fail", 0.666667),
        ("early_retry_ratio", lambda s: refuse_often(s, again_s=4.11), "pass", 0.0),
        ("early_retry_ratio", nothing, "unknown", None),
        ("boundary_violations", nothing, "pass", 0.0),
        ("boundary_violations", _abroad, "fail", 1.0),
        ("boundary_violations", _silent_tenant, "unknown", None),
        ("boundary_violations", _no_canary, "unknown", None),
        ("truncated_as_success", _cut, "pass", 0.0),
        ("truncated_as_success", _wrong, "fail", 1.0),
        ("truncated_as_success", nothing, "unknown", None),
        ("hung_requests", nothing, "pass", 0.0),
        ("hung_requests", lambda s: hang(s, [48]), "fail", 1.0),
        ("hung_requests", lambda s: s.client.clear(), "unknown", None),
        ("target_exits", nothing, "pass", 0.0),
        ("target_exits", _died, "fail", 1.0),
        ("target_exits", _unfinished, "unknown", None),
        ("ttft_p50_s", nothing, "pass", 0.1),
        ("ttft_p50_s", lambda s: shift(s, list(range(70, 120)), 0.5), "pass", 0.1),
        ("ttft_p50_s", lambda s: shift(s, list(range(59, 120)), 0.5), "unknown", 0.6),
        ("ttft_p50_s", lambda s: shift(s, list(range(49, 120)), 0.5), "fail", 0.6),
        ("ttft_p50_s", _few, "unknown", None),
        ("ttft_p90_s", lambda s: shift(s, s.during()[:20], 1.9), "pass", 2.0),
        ("ttft_p90_s", lambda s: shift(s, s.during()[:18], 1.91), "unknown", 2.01),
        ("ttft_p90_s", lambda s: shift(s, s.during()[:19], 1.91), "fail", 2.01),
        ("ttft_p90_s", lambda s: s.client.__delitem__(slice(5, 110)), "unknown", None),
        ("ttft_p95_s", lambda s: shift(s, s.during()[:20], 1.9), "pass", 2.0),
        ("ttft_p95_s", lambda s: shift(s, s.during()[:10], 1.91), "unknown", 2.01),
        ("ttft_p95_s", lambda s: shift(s, s.during()[:11], 1.91), "fail", 2.01),
        ("ttft_p95_s", lambda s: s.client.__delitem__(slice(5, 110)), "unknown", None),
        ("ttft_p99_s", nothing, "unknown", 0.1),  # of a hundred and twenty, nothing bounds a p99 from above
        ("ttft_p99_s", lambda s: s.client.__delitem__(slice(5, 110)), "unknown", None),
        ("e2e_p99_s", nothing, "unknown", 0.3),
        ("e2e_p99_s", lambda s: s.client.__delitem__(slice(5, 110)), "unknown", None),
        ("time_to_serve_again_s", nothing, "pass", 0.0),
        ("time_to_serve_again_s", lambda s: lose(s, list(range(80, 88))), "pass", 2.0),
        ("time_to_serve_again_s", lambda s: lose(s, [n for n in range(80, 120) if n % 4 != 3]), "fail", None),
        ("time_to_serve_again_s", lambda s: s.client.__delitem__(slice(85, 120)), "unknown", None),
        ("time_to_error_p90_s", lambda s: _told_after(s, 3.0), "pass", 3.0),
        ("time_to_error_p90_s", lambda s: _told_after(s, 3.1), "fail", 3.1),
        ("time_to_error_p90_s", nothing, "unknown", None),
        ("time_to_error_p99_s", lambda s: _told_after(s, 3.0), "unknown", 3.0),
        ("time_to_error_p99_s", lambda s: _told_after(s, 3.1), "fail", 3.1),
        ("time_to_error_p99_s", nothing, "unknown", None),
        ("stream_held_ratio", lambda s: _streams(s, 0.02), "pass", 0.02),
        ("stream_held_ratio", lambda s: _streams(s, 1.0), "fail", 1.0),
        ("stream_held_ratio", _no_canary, "unknown", None),
        ("foreign_answers", nothing, "pass", 0.0),
        ("foreign_answers", _mixed_up, "fail", 1.0),
        ("foreign_answers", lambda s: s.client.clear(), "unknown", None),
        ("unsaid_failures", _cut, "pass", 0.0),
        ("unsaid_failures", _just_stops, "fail", 1.0),
        ("unsaid_failures", _hangs_up, "fail", 1.0),
        ("unsaid_failures", _told, "pass", 0.0),
        ("unsaid_failures", lambda s: put(s, 48, ask(48, 12.0, outcome="truncated")), "fail", 1.0),
        ("unsaid_failures", nothing, "unknown", None),
        ("unlifted_faults", nothing, "pass", 0.0),
        ("unlifted_faults", lambda s: _read_back(s, undone=False), "fail", 1.0),
        ("unlifted_faults", lambda s: _read_back(s, undone=None), "fail", 1.0),
        ("unlifted_faults", lambda s: _read_back(s, undone=None, ended=False), "unknown", None),
        ("unlifted_faults", lambda s: _not_put_on(s, undone=False), "fail", 1.0),
        ("unlifted_faults", lambda s: _not_put_on(s, undone=True), "unknown", None),
        ("unlifted_faults", lambda s: s.faults.clear(), "unknown", None),
    ],
)
def test_each_metric_passes_fails_and_does_not_know(
    tmp_path: Path, name: str, change: Change, outcome: str, observed: float | None
) -> None:
    """Kept, broken, and without evidence: each metric on a small history."""
    story = Story(tmp_path, EVERY[name])
    change(story)
    verdict = story.verdict()
    assert outcome == verdict.outcome, verdict.why
    assert observed == verdict.observed
    assert ("pass" == outcome) <= (verdict.samples > 0)


@pytest.mark.parametrize(
    ("name", "change", "outcome", "observed"),
    [
        ("ttft_p99_s", lambda s: shift(s, s.during()[:20], 1.9), "pass", 2.0),
        ("ttft_p99_s", lambda s: shift(s, s.during()[:1], 1.91), "pass", 0.1),
        ("ttft_p99_s", lambda s: shift(s, s.during()[:2], 1.91), "unknown", 0.1),
        ("ttft_p99_s", lambda s: shift(s, s.during()[:9], 1.91), "unknown", 2.01),
        ("ttft_p99_s", lambda s: shift(s, s.during()[:10], 1.91), "fail", 2.01),
        ("e2e_p99_s", lambda s: shift(s, s.during()[:20], 2.7), "pass", 3.0),
        ("e2e_p99_s", lambda s: shift(s, s.during()[:1], 2.8), "pass", 0.3),
        ("e2e_p99_s", lambda s: shift(s, s.during()[:9], 2.8), "unknown", 3.1),
        ("e2e_p99_s", lambda s: shift(s, s.during()[:10], 2.8), "fail", 3.1),
    ],
)
def test_a_p99_needs_hundreds_of_requests(
    tmp_path: Path, name: str, change: Change, outcome: str, observed: float
) -> None:
    """With them it is kept, near its bound, or broken, as any other."""
    story = Story(tmp_path, EVERY[name], rate_rps=DENSE_RPS)
    change(story)
    verdict = story.verdict()
    assert (outcome, observed) == (verdict.outcome, verdict.observed), verdict.why


def test_a_p99_of_hundreds_of_errors_is_kept(tmp_path: Path) -> None:
    """Everybody who was not served was told so in time."""
    story = Story(tmp_path, EVERY["time_to_error_p99_s"], rate_rps=40)
    _told_after(story, 3.0)
    verdict = story.verdict()
    assert ("pass", 3.0, 300) == (verdict.outcome, verdict.observed, verdict.samples), verdict.why


def test_every_metric_has_its_cases() -> None:
    """A metric without a case, here or in its family's tests, would go unwatched."""
    families = "".join(path.read_text() for path in Path(__file__).with_name("metrics").glob("test_*.py"))
    assert [] == [name for name in METRICS if name not in EVERY and not re.search(rf"\b{name}\b", families)]


def _healed(tmp_path: Path, text: str, places_after: Callable[[int], str]) -> Story:
    """Return a story whose n-th attempt of the hit tenant after the fault came to a place of its own."""
    story = Story(tmp_path, text)
    after = [n for n, one in enumerate(story.provider) if one.arrived_s >= OFF_S and one.tenant == ACME]
    for order, place in enumerate(after):
        story.provider[place] = msgspec.structs.replace(story.provider[place], endpoint=places_after(order))
    return story


@pytest.mark.parametrize(
    ("bound", "places_after", "outcome", "observed"),
    [
        ("100%", lambda _: NEAR, "pass", 1.0),
        ("70%", lambda _: NEAR, "fail", 1.0),
        ("70%", lambda order: NEAR if order % 10 == 0 else SPARE, "pass", 0.1),
        ("70%", lambda _: SPARE, "unknown", None),
    ],
)
def test_a_healed_endpoint_is_measured_by_its_first_attempts(
    tmp_path: Path, bound: str, places_after: Callable[[int], str], outcome: str, observed: float | None
) -> None:
    """All at once is a full share, one in ten a tenth of it; one that never served again tells nothing."""
    verdict = _healed(tmp_path, f"reopen_share_ratio <= {bound}", places_after).verdict()
    assert (outcome, observed) == (verdict.outcome, verdict.observed)


# -- rule by rule


def _never_on(story: Story) -> None:
    story.faults = []


def _never_fired(story: Story) -> None:
    story.faults = fault_records(fired=0)


def _never_off(story: Story) -> None:
    story.faults = fault_records(off_s=None)


def _met_nobody(story: Story) -> None:
    story.provider = [
        msgspec.structs.replace(one, endpoint=SPARE) if one.endpoint == NEAR else one for one in story.provider
    ]


def _not_undone(story: Story) -> None:
    story.faults = fault_records(undone=False)


def _undone_unread(story: Story) -> None:
    story.faults = fault_records(undone=None)


def _late(story: Story) -> None:
    for place in (48, 49):
        one = story.client[place]
        story.client[place] = msgspec.structs.replace(one, sent_s=one.due_s + 0.051)


def _one_very_late(story: Story) -> None:
    one = story.client[48]
    story.client[48] = msgspec.structs.replace(one, sent_s=one.due_s + 1.1)


def _unsent(story: Story) -> None:
    lose(story, [48], "unsent")


def _sick_before(story: Story) -> None:
    lose(story, [8, 9])


def _slow_before(story: Story) -> None:
    shift(story, list(range(40)), 2.0)


def _hung_before(story: Story) -> None:
    """Everything hangs, longer than there was no fault: nothing had ended when it came on."""
    story.client = [one for one in story.client if one.due_s >= 4.25]
    hang(story, list(range(len(story.client))))


def _young(story: Story) -> None:
    story.client = [one for one in story.client if one.due_s >= ON_S]


def _hardly_anybody_left(story: Story) -> None:
    workload = msgspec.structs.replace(story.plan.workload, leavers_min=5)
    story.plan = msgspec.structs.replace(story.plan, workload=workload)
    hang(story, [41, 42, 43, 44])


def _aborted(story: Story) -> None:
    story.phases = phases("target-ready", "load-start", "aborted", why={"aborted": "p99 above its stop condition"})


def _not_ready(story: Story) -> None:
    story.phases = phases("target-failed", why={"target-failed": "no answer at /healthz\nlog line"})


def _not_ready_without_a_word(story: Story) -> None:
    story.phases = phases("target-failed")


SPOILERS = [
    (_never_on, "region-down-1 was never on"),
    (_never_fired, "region-down-1 never fired"),
    (_never_off, "region-down-1 never fired"),
    (_met_nobody, "region-down-1 met no traffic: no request had gone to us-east-1 before or during it"),
    (_met_nobody, f"30 of 40 went to {SPARE}, and none to {NEAR}, which stands first in the topology"),
    (_not_undone, "not confirmed as undone: region-down-1"),
    (_undone_unread, "not confirmed as undone: region-down-1"),
    (
        _late,
        "dispatch lag p99 51 ms (at most 50 ms), 2 of 120 requests were sent later than that",
    ),
    (_one_very_late, "the load generator was overloaded: it sent a request 1.1 s late (at most 1 s)"),
    (_unsent, "the load generator failed to send 1 of 120 requests"),
    (_sick_before, "the target was not healthy before the faults: 2 of 40 requests not served (refused)"),
    (
        _slow_before,
        "the target was not healthy before the faults: its median time to first token was 2.10 s (at most 2 s)",
    ),
    (
        _hung_before,
        "the target was not healthy before the faults: its median time to first token was 3.00 s (at most 2 s)",
    ),
    (_young, "only 0 requests were due before the first fault"),
    (_hardly_anybody_left, "only 4 clients hung up before the end of their answers, 8 s after they were due"),
    (_aborted, "the test was aborted: p99 above its stop condition"),
    (_unfinished, "the test did not run to its end"),
    (_died, "the target died before the test had ended"),
]


@pytest.mark.parametrize(("change", "why"), SPOILERS, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("promise", [SERVED, "hung_requests <= 0", "ttft_p99_s <= 1ms"])
def test_a_spoiled_run_is_unknown(tmp_path: Path, promise: str, change: Change, why: str) -> None:
    """Whatever was seen, kept or broken, a run that cannot carry a verdict has none, and says why."""
    story = Story(tmp_path, promise)
    change(story)
    verdict = story.verdict()
    assert "unknown" == verdict.outcome
    assert why in verdict.why


@pytest.mark.parametrize(("change", "why"), SPOILERS, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize(
    ("promise", "break_it"), [("boundary_violations <= 0", _abroad), ("truncated_as_success <= 0", _wrong)]
)
def test_what_is_proven_stays_broken_in_a_spoiled_run(
    tmp_path: Path, promise: str, break_it: Change, change: Change, why: str
) -> None:
    """A violation is a violation, whatever else went wrong."""
    del why
    story = Story(tmp_path, promise)
    change(story)
    if not any(one.due_s == 12.0 for one in story.client):
        story.client.append(ask(48, 12.0))
    break_it(story) if break_it is _abroad else _wrong_at_the_end(story)
    assert "fail" == story.verdict().outcome


def _wrong_at_the_end(story: Story) -> None:
    story.client.append(ask(77, 12.0, outcome="wrong", integrity="truncated"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_not_ready, "the target never became ready: no answer at /healthz"),
        (_not_ready_without_a_word, "the target never became ready: no reason given"),
    ],
)
def test_a_target_that_never_became_ready_is_unknown(tmp_path: Path, change: Change, why: str) -> None:
    """One sentence for every promise of the test."""
    story = Story(tmp_path, SERVED, "target_exits <= 0")
    change(story)
    assert [("unknown", why)] * 2 == [(one.outcome, one.why) for one in story.judged()]


def test_the_dispatch_lag_may_be_fifty_milliseconds(tmp_path: Path) -> None:
    """The bound itself is allowed, and one slow request of a hundred and more is."""
    story = Story(tmp_path, SERVED)
    story.client = [msgspec.structs.replace(one, sent_s=one.due_s + 0.05) for one in story.client]
    assert "pass" == story.verdict().outcome


@pytest.mark.parametrize("before", [20, 49, 98, 100])
def test_one_request_lost_before_the_fault_is_no_sickness(tmp_path: Path, before: int) -> None:
    """One is chance at any number of requests; two of up to a hundred are not."""
    for losses, outcome in ((1, "pass"), (2, "unknown")):
        story = Story(tmp_path, "hung_requests <= 0")
        quiet = [ask(1000 + n, n * ON_S / before) for n in range(before)]
        story.client = [one for one in story.client if one.due_s >= ON_S] + quiet
        lose(story, list(range(len(story.client) - losses, len(story.client))))
        for place in range(len(story.client) - losses, len(story.client)):
            one = story.client[place]
            story.client[place] = msgspec.structs.replace(one, end_s=min(one.end_s, ON_S - 0.01))
        assert outcome == story.verdict().outcome


def test_requests_in_flight_when_the_fault_came_are_not_held_against_the_baseline(tmp_path: Path) -> None:
    """What the fault broke is its doing, though it was due before."""
    story = Story(tmp_path, "availability >= 90%")
    lose(story, [37, 38], "error", end_s=10.5)
    assert "pass" == story.verdict().outcome


def test_a_crashed_check_is_unknown_with_the_end_of_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of our own is never green, nor red."""

    def crash(view: View) -> Any:
        raise ZeroDivisionError(f"{len(view.client)} divided by nothing")

    spare = dict(METRICS) | {"availability": Metric(name="availability", unit="ratio", measure=crash, about="")}
    monkeypatch.setattr("brownout.judge.METRICS", spare)
    verdict = Story(tmp_path, SERVED).verdict()
    assert "unknown" == verdict.outcome
    assert verdict.why.startswith("the check itself crashed: ")
    assert verdict.why.endswith("ZeroDivisionError: 120 divided by nothing")


def test_a_dead_target_fails_its_own_promise_with_the_end_of_its_log(tmp_path: Path) -> None:
    """The log's tail is in the verdict, so that nobody has to look for it."""
    story = Story(tmp_path, "target_exits <= 0")
    _died(story)
    verdict = story.verdict()
    assert "fail" == verdict.outcome
    assert "MemoryError" in verdict.why


def test_what_the_target_does_not_declare_is_skipped_by_name(tmp_path: Path) -> None:
    """A promise lacking a feature, and a test lacking one, are skipped; not even a violation counts there."""
    story = Story(tmp_path, SERVED, "hung_requests <= 0", lacking={SERVED: ["failover", "fail-back"]})
    skipped, judged = story.judged()
    assert ("skipped", "the target does not declare: failover, fail-back") == (skipped.outcome, skipped.why)
    assert "pass" == judged.outcome
    story = Story(tmp_path, "boundary_violations <= 0", skipped=["tenant-boundary"])
    _abroad(story)
    verdicts = judge(story.write())
    assert ["skipped"] == [one.outcome for one in verdicts.promises]
    assert "unknown" == verdicts.outcome


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["pass", "unknown", "fail"], "fail"),
        (["pass", "unknown", "skipped"], "unknown"),
        (["pass", "skipped"], "pass"),
        (["skipped"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_worst_counts(outcomes: list[Any], expected: str) -> None:
    """Fail > unknown > pass; nothing judged is unknown."""
    assert expected == overall(outcomes)


def test_the_outcome_of_a_run_is_that_of_its_worst_promise(tmp_path: Path) -> None:
    """One broken promise among kept ones turns the run red; a run without promises proves nothing."""
    story = Story(tmp_path, SERVED, "ttft_p50_s <= 1ms", "early_retry_ratio <= 0")
    assert "fail" == judge(story.write()).outcome
    assert "unknown" == judge(Story(tmp_path).write()).outcome


@pytest.mark.parametrize(
    ("lost", "asked", "outcome", "grade"),
    [
        ((), "", "pass", "enforced"),
        ((), "enforced", "pass", "enforced"),
        (("flows",), "", "pass", "observed"),
        (("flows",), "observed", "pass", "observed"),
        (("flows",), "enforced", "unknown", "observed"),
        (("files",), "", "pass", "endpoints only"),
        (("files",), "observed", "unknown", "endpoints only"),
        (("files", "flows"), "endpoints only", "pass", "endpoints only"),
    ],
)
def test_a_proof_weaker_than_was_asked_for_is_none(
    tmp_path: Path, lost: tuple[str, ...], asked: Any, outcome: str, grade: str
) -> None:
    """Each proof has its grade; asked for more than was reached it is unknown, and says what is lacking."""
    story = Story(tmp_path, "boundary_violations <= 0", SERVED, grade=asked)
    story.layers = [one for one in story.layers if one.layer not in lost]
    verdict, other = story.judged()
    assert (outcome, grade) == (verdict.outcome, verdict.grade)
    assert verdict.grade_why == "; ".join(f"{layer}: nothing recorded it" for layer in lost[:1])
    if outcome == "unknown":
        assert f"its proof is '{grade}', and '{asked}' was asked for ({lost[0]}: nothing recorded it)" in verdict.why
    assert ("pass", "", "") == (other.outcome, other.grade, other.grade_why)


def test_what_was_seen_needs_no_grade(tmp_path: Path) -> None:
    """A violation is one on any machine."""
    story = Story(tmp_path, "boundary_violations <= 0", grade="enforced")
    story.layers = []
    _abroad(story)
    assert ("fail", "endpoints only") == ((verdict := story.verdict()).outcome, verdict.grade)


def test_repeats_are_as_strong_as_the_weakest_of_them(tmp_path: Path) -> None:
    """A proof of three plays of which one was not looked at is none of three."""
    strong, weak = Story(tmp_path / "a", SERVED), Story(tmp_path / "b", SERVED)
    weak.layers = [one for one in weak.layers if one.layer != "names"]
    promise = "boundary_violations <= 0"
    histories = []
    for number, story in enumerate((strong, weak), start=1):
        story.run.path.mkdir()
        story.plan = a_test(promise, repeat=number)
        (history,) = read_histories(story.write(), story.run.plan()).values()
        histories.append(history)
    (verdict,) = judge_tests(histories)
    assert ("pass", "observed", "names: nothing recorded it") == (verdict.outcome, verdict.grade, verdict.grade_why)


def test_latency_counts_from_when_a_request_was_due(tmp_path: Path) -> None:
    """A generator that sends late makes the target no faster."""
    story = Story(tmp_path, "ttft_p50_s <= 1s", "e2e_p99_s <= 3s")
    story.client = [
        msgspec.structs.replace(one, sent_s=one.due_s + 0.04, first_token_s=one.due_s + 0.14) for one in story.client
    ]
    p50, p99 = story.judged()
    assert (0.14, 0.3) == (p50.observed, p99.observed)


def test_hung_requests_count_as_waits(tmp_path: Path) -> None:
    """A request that hung waited as long as its client did; errors are no waits."""
    story = Story(tmp_path, "ttft_p99_s <= 2s", "e2e_p99_s <= 3s")
    lose(story, [50])
    hang(story, [44, 45, 48, 49])
    for verdict in story.judged():
        assert ("fail", 8.0) == (verdict.outcome, verdict.observed)
        assert f"{ACME}-49" == verdict.witnesses[0]


@pytest.mark.parametrize("due_s", [n / 10 for n in range(100, 200, 7)])
def test_a_wait_of_exactly_the_bound_is_within_it(tmp_path: Path, due_s: float) -> None:
    """The difference of two instants is not a little more than it is written."""
    story = Story(tmp_path, "ttft_p99_s <= 2s", "e2e_p99_s <= 3s", rate_rps=DENSE_RPS)
    late = ask(48, due_s, first_token_s=round(due_s + 2, 6), end_s=round(due_s + 3, 6))
    for place in story.during()[:10]:
        put(story, place, late)
    assert [("pass", 2.0), ("pass", 3.0)] == [(one.outcome, one.observed) for one in story.judged()]


@pytest.mark.parametrize(
    ("promise", "observed"),
    [
        ("availability[tenant=acme] >= 1%", 0.977778),
        ("availability[tenant=europa] >= 1%", 1.0),
        ("availability[class=background] >= 1%", 0.0),
        ("availability[stream=false] >= 1%", None),
        ("availability before faults >= 1%", 1.0),
        ("availability during region-down >= 1%", 0.95),
        ("availability after faults >= 1%", 1.0),
    ],
)
def test_filters_and_windows_choose_whom_a_promise_is_about(
    tmp_path: Path, promise: str, observed: float | None
) -> None:
    """Two acme requests were lost during the fault, one of them background work."""
    story = Story(tmp_path, promise)
    lose(story, [48])
    lose(story, [50], traffic_class="background")
    assert observed == story.verdict().observed


def test_a_promise_about_nobody_is_unknown(tmp_path: Path) -> None:
    """A window or filter in which nothing happened passes nothing, however good the rest was."""
    texts = [
        f"{metric}[tenant=nobody] {EVERY[metric].removeprefix(metric)}"
        for metric in EVERY
        if metric not in {"target_exits", "unlifted_faults", "reopen_share_ratio"}
    ]
    story = Story(tmp_path, *texts)
    refuse_once(story)
    for verdict in story.judged():
        assert "unknown" == verdict.outcome, verdict.slo


def test_judging_again_writes_the_same_bytes(tmp_path: Path) -> None:
    """Judging is a function of the run directory alone."""
    story = Story(tmp_path, *ALL.values())
    lose(story, [49, 50])
    _wrong(story)
    run = story.write()
    judge(run)
    once = run.file("verdicts.json").read_bytes()
    judge(run)
    assert once == run.file("verdicts.json").read_bytes()
    assert msgspec.json.decode(once)["promises"]


def test_a_line_cut_by_a_kill_is_left_out(tmp_path: Path) -> None:
    """The last request is lost, the verdict is not."""
    run = Story(tmp_path, SERVED).write()
    path = run.file("client.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    (verdict,) = judge(run).promises
    assert ("pass", 119) == (verdict.outcome, verdict.samples)


@pytest.mark.parametrize("absent", ["client", "provider", "faults", "phases"])
@pytest.mark.parametrize("injected", [True, False])
def test_a_missing_layer_of_evidence_is_unknown(tmp_path: Path, absent: str, *, injected: bool) -> None:
    """Without one of the files no promise is kept; nor does judging crash."""
    story = Story(tmp_path, *ALL.values(), injections=[injection()] if injected else [])
    if not injected:
        story.faults = []
    run = story.write()
    run.file(f"{absent}.jsonl").unlink()
    verdicts = judge(run)
    if absent == "faults" and not injected:
        assert "pass" in {one.outcome for one in verdicts.promises}
    else:
        # That the target ran to its end is a fact of the phases, whatever else is missing.
        told = [one for one in verdicts.promises if "target_exits" not in one.slo or absent == "phases"]
        assert {"unknown"} == {one.outcome for one in told}
    assert "unknown" == verdicts.outcome or absent == "faults"


def test_an_empty_run_is_unknown(tmp_path: Path) -> None:
    """A run killed before it wrote anything has a plan, and no verdict."""
    run = Story(tmp_path, *ALL.values()).write()
    for name in ("client", "provider", "faults", "phases"):
        run.file(f"{name}.jsonl").unlink()
    assert {"unknown"} == {one.outcome for one in judge(run).promises}


def test_evidence_of_another_test_is_not_counted(tmp_path: Path) -> None:
    """Tests of one run share its files, not their verdicts."""
    story = Story(tmp_path, "boundary_violations <= 0", SERVED)
    story.provider.append(attempt(1, 12.0, ABROAD, test="other"))
    story.client += [lost(n, 12.0, test="other") for n in range(100, 200)]
    assert [("pass", 120), ("pass", 120)] == [(one.outcome, one.samples) for one in story.judged()]


# -- any history

INSTANTS = st.one_of(st.sampled_from([0.0, ON_S, OFF_S, LAST_S]), st.floats(0, 40).map(lambda t: round(t, 6)))
SPANS = st.floats(0, 12).map(lambda t: round(t, 6))
TENANTS = st.sampled_from([ACME, EUROPA])
PLACES = st.sampled_from([NEAR, SPARE, ABROAD])


@st.composite
def asks(draw: st.DrawFn) -> list[ClientRecord]:
    """Return up to forty requests, each with any fate, told apart by their canaries."""
    count = draw(st.one_of(st.integers(0, 40), st.just(40)))
    spaced = draw(st.booleans())
    return [draw(_any_ask(number, spaced=spaced)) for number in range(count)]


@st.composite
def _any_ask(draw: st.DrawFn, number: int, *, spaced: bool) -> ClientRecord:
    due_s = number * 0.75 if spaced else draw(INSTANTS)
    first_s = draw(st.none() | SPANS)
    outcome = draw(st.sampled_from(["ok"] * 6 + ["refused", "error", "truncated", "wrong", "hung"]))
    return ask(
        number,
        due_s,
        tenant=draw(TENANTS),
        traffic_class=draw(st.sampled_from(["interactive", "background"])),
        stream=draw(st.booleans()),
        sent_s=due_s + draw(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2])),
        first_token_s=None if first_s is None else due_s + first_s,
        end_s=due_s + (first_s or 0.0) + draw(SPANS),
        outcome=outcome,
        integrity=draw(st.sampled_from([None, "whole", "truncated"])),
    )


@st.composite
def stories(draw: st.DrawFn, promises: tuple[str, ...]) -> Story:
    """Return any small history, with the promises, in a folder of its own (made when it is judged)."""
    client = draw(asks())
    provider = []
    for one in client:
        for order in range(draw(st.integers(0, 2))):
            arrived_s = one.due_s + order / 2 + draw(SPANS)
            fate = draw(st.sampled_from(["ok", "ok", "refused", "cut", "client-gone", "open"]))
            retry_after_s = draw(st.none() | st.floats(0, 5)) if fate == "refused" else None
            allowed = [ABROAD] if one.tenant == EUROPA else [NEAR, SPARE]
            provider.append(
                attempt(
                    int(one.canary.rsplit("-", 1)[1]),
                    arrived_s,
                    draw(st.sampled_from(allowed)),
                    tenant=one.tenant,
                    outcome=fate,
                    retry_after_s=retry_after_s,
                    end_s=arrived_s + draw(SPANS),
                )
            )
    provider += [attempt(0, draw(INSTANTS), draw(PLACES), canary=None) for _ in range(draw(st.integers(0, 2)))]
    injections = draw(st.sampled_from([[], [injection()], [injection(), injection("slow-1", SPARE, fault="slow")]]))
    story = Story(Path(), *promises, injections=injections)
    story.client, story.provider = client, provider
    story.faults = [record for one in injections for record in draw(_fault_records(one))]
    names = draw(st.lists(st.sampled_from(["load-start", "load-end", "target-died", "aborted", "done"]), unique=True))
    story.phases = phases(*names) if draw(st.booleans()) else phases()
    return story


@st.composite
def _fault_records(draw: st.DrawFn, one: PlannedInjection) -> list[Any]:
    on_s = draw(INSTANTS)
    off_s = draw(st.none() | SPANS.map(lambda span_s: on_s + span_s))
    records = fault_records(
        one.id,
        *one.endpoints,
        on_s=on_s,
        off_s=off_s,
        fired=draw(st.integers(0, 3)),
        undone=draw(st.sampled_from([True, True, False, None])),
        fault=one.fault,
    )
    return records if draw(st.booleans()) else records[: draw(st.integers(0, 2))]


def _judged(story: Story) -> list[Promise]:
    with TemporaryDirectory() as folder:
        story.run.path = Path(folder)
        return story.judged()


def _texts() -> Iterator[str]:
    for metric, text in ALL.items():
        yield text
        bound = text.removeprefix(metric)
        for part in ("[tenant=acme]", "[stream=true]", " before faults", " during faults", " after faults"):
            yield f"{metric}{part}{bound}"


@given(stories(tuple(_texts())))
@settings(max_examples=25, deadline=None)
def test_no_history_crashes_the_judge_or_passes_without_samples(story: Story) -> None:
    """Any history has a verdict on every promise, and none is kept on nothing."""
    for verdict in _judged(story):
        assert "crashed" not in verdict.why, verdict.why
        if verdict.outcome == "pass":
            assert verdict.samples > 0, verdict.slo
            assert verdict.observed is not None
        if verdict.outcome in {"unknown", "fail"} and verdict.observed is None:
            assert verdict.why


@given(stories(("boundary_violations <= 0",)), INSTANTS)
@settings(max_examples=20, deadline=None)
def test_a_violation_added_to_any_history_is_found(story: Story, at_s: float) -> None:
    """Whatever else happened, one attempt outside a tenant's boundary breaks the promise, and is its witness."""
    before = _judged(story)[0].observed or 0.0
    story.provider.append(attempt(999, at_s, ABROAD))
    (verdict,) = _judged(story)
    assert ("fail", before + 1) == (verdict.outcome, verdict.observed)
    assert f"{ACME}-999" in verdict.witnesses


@given(stories(tuple(ALL.values())), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_lines_changes_nothing(
    story: Story,
    rng: random.Random,  # noqa: TID251 - the type only
) -> None:
    """Evidence written by many processes has no order of its own; verdicts do not depend on it."""
    before = _judged(story)
    layers: tuple[list[Any], ...] = (story.client, story.provider, story.faults, story.phases)
    for layer in layers:
        rng.shuffle(layer)
    assert before == _judged(story)


def test_provider_records_without_a_canary_are_nobodys(tmp_path: Path) -> None:
    """A health check of the target's own is no attempt, and crosses no boundary."""
    story = Story(tmp_path, "boundary_violations <= 0", "retry_amplification <= 1x")
    story.provider += [attempt(0, 12.0, ABROAD, canary=None, tenant=None) for _ in range(9)]
    assert ["pass", "pass"] == [one.outcome for one in story.judged()]


def test_the_records_of_these_tests_are_those_of_the_product() -> None:
    """A helper's record survives the disk as it is."""
    for record in (ask(1, 0.5), attempt(1, 0.5)):
        kind = type(record)
        assert record == msgspec.json.decode(msgspec.json.encode(record), type=kind)
    assert TEST == ask(1, 0.5).test
    assert isinstance(attempt(1, 0.5), ProviderRecord)


@pytest.mark.parametrize(
    ("phase", "share", "outcome"),
    [
        ("cpu-pressure", None, "fail"),
        ("cpu-pressure", 0.5, "fail"),
        ("cpu-pressure", 0.95, "unknown"),
        ("target-waited", 0.1, "fail"),
        ("target-waited", 0.3, "unknown"),
    ],
)
def test_a_starved_machine_excuses_a_slow_target(tmp_path: Path, phase: str, share: float | None, outcome: str) -> None:
    """Waits that the machine may have caused are not held against the target; a kept promise stays kept."""
    story = Story(tmp_path, "ttft_p95_s <= 1ms", "ttft_p95_s <= 60s", "target_exits <= 0")
    story.phases.append(PhaseRecord(test=story.phases[0].test, phase=phase, at_s=60.0, value=share))

    assert [outcome, "pass", "pass"] == [one.outcome for one in judge(story.write()).promises]


@pytest.mark.parametrize(("busy", "told"), [(None, False), (0.85, False), (0.97, True)])
def test_a_full_target_is_red_and_said_to_be_full(tmp_path: Path, busy: float | None, *, told: bool) -> None:
    """It is judged as it was set up; who reads a broken promise about waits learns what it had run out of."""
    story = Story(tmp_path, "ttft_p95_s <= 1ms", "availability >= 100.5%")
    if busy is not None:
        story.phases.append(PhaseRecord(test=story.phases[0].test, phase="target-busy", at_s=60.0, value=busy))

    waits, other = judge(story.write()).promises
    assert ("fail", "fail") == (waits.outcome, other.outcome)
    assert (told, False) == ("97% of a processor" in waits.why, "of a processor" in other.why)


@pytest.mark.parametrize(("waited", "outcome"), [(None, "fail"), (0.05, "fail"), (0.2, "unknown")])
def test_a_target_that_is_kept_from_running_is_not_blamed(tmp_path: Path, waited: float | None, outcome: str) -> None:
    """It loses requests for want of a processor that others had; what is proven by a witness stays proven."""
    story = Story(tmp_path, SERVED, "boundary_violations <= 0", "hung_requests <= 0")
    lose(story, story.during())
    _abroad(story)
    if waited is not None:
        story.phases.append(PhaseRecord(test=story.phases[0].test, phase="target-starved", at_s=60.0, value=waited))

    assert [outcome, "fail", "pass"] == [one.outcome for one in judge(story.write()).promises]
