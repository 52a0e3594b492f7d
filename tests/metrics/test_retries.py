"""What the metrics of retries say of small histories: how often, in what rhythm, and of what cannot be asked again."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import History
from brownout.metrics import METRICS, NoEvidence, Observation, View
from tests.histories import NEAR, ON_S, SPARE, TOPOLOGY, Story, a_test, ask, attempt, fault_records, lost, phases


def measured(name: str, client: Sequence[ClientRecord], provider: Sequence[ProviderRecord]) -> Observation:
    """Return what a metric says of a whole test."""
    history = History(a_test(), TOPOLOGY, client=client, provider=provider, faults=fault_records(), phases=phases())
    view = View(history=history, client=history.client, attempts=history.attempts, windows=history.windows)
    return METRICS[name].measure(view)


def failed(number: int, arrived_s: float, endpoint: str = NEAR, **changes: object) -> ProviderRecord:
    """Return an attempt that the endpoint refused at once."""
    known: dict[str, object] = {"outcome": "refused", "status": 503, "refusal": "unavailable", "end_s": arrived_s}
    return attempt(number, arrived_s, endpoint, **(known | changes))


def rejected(number: int, arrived_s: float, endpoint: str = NEAR) -> ProviderRecord:
    """Return an attempt that the endpoint rejected for what it says."""
    return failed(number, arrived_s, endpoint, status=400, refusal="invalid")


def waiting(waits_s: Sequence[float]) -> tuple[list[ClientRecord], list[ProviderRecord]]:
    """Return requests that were made once more at the same endpoint, each after its wait."""
    client = [lost(number, 11.0 + number / 10) for number in range(len(waits_s))]
    tries = [failed(one, 11.0 + one / 10 + after_s) for one, wait_s in enumerate(waits_s) for after_s in (0.0, wait_s)]
    return client, tries


# --- attempts of one request -------------------------------------------------------------------------------


def test_the_worst_request_counts() -> None:
    """Nine attempts for one are nine, whatever the others had."""
    client = [lost(number, 11.0) for number in range(5)]
    tries = [failed(number, 11.0) for number in range(4)] + [failed(4, 11.0 + again / 100) for again in range(9)]
    seen = measured("attempts_per_request_max", client, tries)
    assert (9, 5, ["acme-4"]) == (seen.value, seen.samples, seen.witnesses)


def test_nothing_failed_and_nothing_is_known_of_retries() -> None:
    """One attempt each says nothing where there was no reason for a second."""
    with pytest.raises(NoEvidence, match="nothing to try again"):
        measured("attempts_per_request_max", [ask(1, 11.0)], [attempt(1, 11.0)])


# --- rhythm ------------------------------------------------------------------------------------------------


def test_equal_waits_are_in_step() -> None:
    """Half a second each, give or take two milliseconds: a herd."""
    seen = measured("retries_in_step_ratio", *waiting([0.5 + (number % 3) / 1000 for number in range(20)]))
    assert (1.0, 20) == (seen.value, seen.samples)


def test_equal_steps_are_in_step() -> None:
    """A schedule that doubles without any jitter brings everybody back together, each time."""
    seen = measured("retries_in_step_ratio", *waiting([0.25, 0.5, 1.0] * 10))
    assert 1.0 == seen.value


def test_spread_waits_are_not() -> None:
    """Anywhere between half a second and one."""
    seen = measured("retries_in_step_ratio", *waiting([0.5 + number / 60 for number in range(30)]))
    assert (0.0, 30) == (seen.value, seen.samples)


def test_who_never_waits_is_in_no_step() -> None:
    """Asking elsewhere at once, or the same at once, brings nobody back together later; the reason says so."""
    client = [lost(number, 11.0 + number) for number in range(6)]
    tries = [failed(number, 11.0 + number, place) for number in range(6) for place in (NEAR, SPARE, NEAR)]
    seen = measured("retries_in_step_ratio", client, tries)
    assert (0.0, True) == (seen.value, "0 were made again at the same endpoint after a wait" in seen.why)


def test_who_asks_elsewhere_meanwhile_has_not_waited() -> None:
    """It was kept waiting there: a silent endpoint costs everybody the same second."""
    client = [lost(number, 11.0 + number) for number in range(6)]
    tries = [
        failed(number, 11.0 + number + after_s, place, end_s=12.0 + number + after_s)
        for number in range(6)
        for after_s, place in ((0.0, NEAR), (1.0, SPARE), (2.0, NEAR))
    ]
    assert 0.0 == measured("retries_in_step_ratio", client, tries).value


def test_a_wait_that_was_asked_for_is_the_endpoints() -> None:
    """Whoever comes back when it was told to is not to blame for the hour."""
    client = [lost(number, 11.0) for number in range(10)]
    tries = [failed(number, 11.0 + again, retry_after_s=1.0) for number in range(10) for again in (0.0, 1.0)]
    assert 0.0 == measured("retries_in_step_ratio", client, tries).value


def test_too_few_failures_show_no_rhythm() -> None:
    """Nobody had reason to wait."""
    with pytest.raises(NoEvidence, match="failed attempts"):
        measured("retries_in_step_ratio", [lost(1, 11.0)], [failed(1, 11.0)])


@given(st.lists(st.floats(0.15, 5.0), min_size=3, max_size=30), st.floats(0.15, 5.0))
def test_it_is_the_crowd_that_counts(waits_s: list[float], wait_s: float) -> None:
    """Not whose wait it is; of waits that are all the same, all are in step; a fifth is a crowd, a tenth is none."""
    one, other = (measured("retries_in_step_ratio", *waiting(each)) for each in (waits_s, waits_s[::-1]))
    assert (one.value, one.samples) == (other.value, len(waits_s))
    assert 1.0 == measured("retries_in_step_ratio", *waiting([wait_s] * len(waits_s))).value
    spread = [wait_s * 1.05**step for step in range(27)]
    assert 0.0 == measured("retries_in_step_ratio", *waiting([*spread, spread[0], spread[0]])).value
    assert 9 / 35 == measured("retries_in_step_ratio", *waiting([*spread[1:], *[spread[0]] * 9])).value


# --- what cannot be asked again ----------------------------------------------------------------------------


def test_a_rejection_that_is_carried_elsewhere_is_counted() -> None:
    """At another endpoint, and at the same instant."""
    tries = [rejected(1, 11.0), rejected(1, 11.0, SPARE), rejected(2, 12.0)]
    seen = measured("nonretryable_retries", [lost(1, 11.0), lost(2, 12.0)], tries)
    assert (1, 2, ["acme-1"]) == (seen.value, seen.samples, seen.witnesses)


def test_what_had_left_before_the_rejection_came_is_no_retry() -> None:
    """A request sent to two at once is rejected by both."""
    tries = [failed(1, 11.0, status=400, refusal="invalid", end_s=11.5), rejected(1, 11.2, SPARE)]
    assert 0 == measured("nonretryable_retries", [lost(1, 11.0)], tries).value


def test_other_failures_may_be_asked_again() -> None:
    """Nothing was rejected, so nothing is known."""
    with pytest.raises(NoEvidence, match="rejected"):
        measured("nonretryable_retries", [lost(1, 11.0)], [failed(1, 11.0), failed(1, 11.1, SPARE)])


def cut(number: int, arrived_s: float, **changes: object) -> ProviderRecord:
    """Return an attempt whose stream broke after its first token."""
    known: dict[str, object] = {"outcome": "cut", "first_token_s": arrived_s + 0.1, "end_s": arrived_s + 0.2}
    return attempt(number, arrived_s, **(known | changes))


def test_a_stream_that_is_begun_again_is_counted() -> None:
    """Its client had read of it."""
    client = [ask(1, 11.0, outcome="error"), ask(2, 12.0, outcome="error")]
    tries = [cut(1, 11.0), attempt(1, 11.3, SPARE), cut(2, 12.0)]
    seen = measured("retried_streams", client, tries)
    assert (1, 2, ["acme-1"]) == (seen.value, seen.samples, seen.witnesses)


def test_a_broken_stream_that_nobody_had_read_may_be_begun_again() -> None:
    """The router had held it back, or the client wanted the whole at once."""
    client = [
        ask(1, 11.0, first_token_s=11.6, end_s=11.8),
        ask(2, 11.0, stream=False, first_token_s=11.6, end_s=11.6),
        ask(3, 12.0, outcome="error"),
    ]
    tries = [*(record for one in (1, 2) for record in (cut(one, 11.0), attempt(one, 11.3, SPARE))), cut(3, 12.0)]
    assert 0 == measured("retried_streams", client, tries).value


def test_no_stream_broke_and_nothing_is_known_of_begun_ones() -> None:
    """All were served."""
    with pytest.raises(NoEvidence, match="no stream broke"):
        measured("retried_streams", [ask(1, 11.0)], [attempt(1, 11.0)])


def test_a_judge_holds_a_router_to_it(tmp_path: Path) -> None:
    """One rejected request that was carried elsewhere is a broken promise."""
    story = Story(tmp_path, "nonretryable_retries <= 0")
    place = story.during()[0]
    number = int(story.client[place].canary.rpartition("-")[2])
    story.client[place] = lost(number, story.client[place].due_s, status=400, error="invalid")
    story.provider[place] = rejected(number, ON_S + 1)
    assert "pass" == story.verdict().outcome
    story.provider.append(rejected(number, ON_S + 2, SPARE))
    assert "fail" == story.verdict().outcome
