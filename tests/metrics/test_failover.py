"""What a fault costs before users are moved elsewhere, and what is passed off as an answer meanwhile."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.verdict import Promise
from tests.histories import ACME, NEAR, OFF_S, ON_S, SPARE, Story, attempt, fault_records, injection

DETECTED = "time_to_detect_s <= 6s"
BUDGET = "error_budget_spent_s <= 2s"
PROBE = 50
TRUNCATED, GARBLED = "truncated_as_success <= 0", "garbled_as_success <= 0"


def _tried_first(story: Story, until_s: float, *, every: int = 1) -> None:
    """Until an instant, let every so manieth of the hit tenant's requests be refused by the near endpoint first."""
    for nth, place in enumerate(story.during()):
        due_s = story.client[place].due_s
        if due_s < until_s and nth % every == 0:
            story.provider.append(attempt(place, due_s + 0.001, outcome="refused", status=503))


def _judged(folder: Path, promise: str, until_s: float, **changes: int) -> Promise:
    story = Story(folder, promise)
    _tried_first(story, until_s, **changes)
    return story.verdict()


def test_a_place_is_left_when_only_a_trickle_goes_there_first(tmp_path: Path) -> None:
    """Two seconds of the fault went there first; from then on nothing did."""
    promise = _judged(tmp_path, DETECTED, ON_S + 2.0)
    assert ("pass", 2.01) == (promise.outcome, promise.observed)


def test_a_place_that_is_asked_first_all_the_time_was_never_left(tmp_path: Path) -> None:
    """However well others then served what it had refused."""
    promise = _judged(tmp_path, DETECTED, OFF_S)
    assert ("fail", None) == (promise.outcome, promise.observed)
    assert "100% of first attempts went to us-east-1 before" in promise.why


def test_probes_are_no_detection_that_failed(tmp_path: Path) -> None:
    """One first attempt in four is a trickle: whether it has healed can only be asked by asking."""
    promise = _judged(tmp_path, DETECTED, OFF_S, every=4)
    assert ("pass", True) == (promise.outcome, (promise.observed or 0.0) <= 0.5)


def test_half_of_what_went_there_is_no_trickle(tmp_path: Path) -> None:
    """Who halves what a dead place gets has not left it."""
    assert "fail" == _judged(tmp_path, DETECTED, OFF_S, every=2).outcome


@pytest.mark.parametrize(("still", "outcome"), [(7, "fail"), (4, "fail"), (0, "pass")])
def test_who_spreads_its_load_is_measured_by_what_it_used_to_send(still: int, outcome: str, tmp_path: Path) -> None:
    """Seven of eight first attempts went there before; as many, or half of them, still do, or only a probe does."""
    assert outcome == _spread(tmp_path, before=7, still=still).verdict().outcome


@pytest.mark.parametrize(("still", "outcome"), [(5, "fail"), (4, "fail"), (0, "pass")])
def test_who_sends_a_place_about_half_is_measured_by_a_shorter_run(still: int, outcome: str, tmp_path: Path) -> None:
    """Five of eight went there before: the fault has too few requests for 20 of them, and enough for 12."""
    assert outcome == _spread(tmp_path, before=5, still=still).verdict().outcome


def test_a_place_that_had_a_quarter_and_has_it_still_was_not_left(tmp_path: Path) -> None:
    """However few that are: no stretch of them is one that a router would make which had left."""
    assert "fail" == _spread(tmp_path, before=2, still=2).verdict().outcome


@pytest.mark.parametrize(("before", "few", "outcome"), [(8, 12, "pass"), (8, 11, "unknown"), (2, 19, "unknown")])
def test_how_many_requests_it_takes_before_a_fault_hangs_on_the_share(
    before: int, few: int, outcome: str, tmp_path: Path
) -> None:
    """Twelve that all went there tell what leaving it looks like; of a smaller part it takes twenty."""
    story = _spread(tmp_path, before=before, still=0)
    early = [one.canary for one in story.client if one.due_s < ON_S and one.tenant == ACME]
    unseen = set(early[few:])
    story.provider = [one for one in story.provider if one.canary not in unseen]
    assert outcome == story.verdict().outcome


def test_a_fault_that_a_place_would_hardly_be_asked_in_tells_nothing(tmp_path: Path) -> None:
    """Of a quarter of fifteen requests nobody can say whether they stay away or have not come yet."""
    story = _spread(tmp_path, before=2, still=2)
    unseen = {f"{ACME}-{place}" for place in story.during()[::2]}
    story.provider = [one for one in story.provider if one.canary not in unseen]
    promise = story.verdict()
    assert ("unknown", True) == (promise.outcome, "needed" in promise.why)


@pytest.mark.parametrize(("left_s", "outcome"), [(4.0, "pass"), (5.0, "pass"), (6.4, "fail"), (9.0, "fail")])
def test_who_leaves_too_late_for_a_whole_run_is_told_by_the_end_of_the_fault(
    left_s: float, outcome: str, tmp_path: Path
) -> None:
    """A run of 20 does not fit in between leaving and the end of the fault; in time is in time all the same."""
    assert outcome == _spread(tmp_path, before=5, still=5, until_s=ON_S + left_s).verdict().outcome


def test_what_the_end_of_a_fault_cannot_tell_is_unknown(tmp_path: Path) -> None:
    """Two of the last thirteen requests went there: much for probes of one that left, little for one that stays."""
    promise = _spread(tmp_path, before=5, still=5, until_s=ON_S + 5.6, then=1).verdict()
    assert ("unknown", True) == (promise.outcome, "too near the bound" in promise.why)


def _spread(folder: Path, *, before: int, still: int, until_s: float = OFF_S, then: int = 0) -> Story:
    story = Story(folder, DETECTED)
    for number, one in enumerate(story.client):
        if one.tenant == ACME:
            there = (still if one.due_s < until_s else then) if ON_S <= one.due_s < OFF_S else before
            near = number % 8 < there or number == PROBE
            story.provider[number] = attempt(
                number, one.due_s + 0.01, NEAR if near else SPARE, faults=["region-down-1"]
            )
    return story


def test_refused_connections_tell_nothing_of_when_they_were_given_up(tmp_path: Path) -> None:
    """No attempt was seen at the faulted place: it may have been asked in vain all the time."""
    promise = Story(tmp_path, DETECTED).verdict()
    assert ("unknown", True) == (promise.outcome, "refused ones leave none" in promise.why)


def test_a_place_that_carried_nothing_cannot_be_left(tmp_path: Path) -> None:
    """A fault on the spare endpoint: it had no first attempts before."""
    story = Story(tmp_path, DETECTED, injections=[injection("region-down-1", SPARE)])
    story.faults = fault_records("region-down-1", SPARE)
    promise = story.verdict()
    assert ("unknown", True) == (promise.outcome, "only 0% of first attempts" in promise.why)


def _lose(story: Story, count: int) -> None:
    for place in story.during()[:count]:
        story.client[place].outcome = "refused"


def test_the_budget_is_spent_in_seconds_of_outage(tmp_path: Path) -> None:
    """Nine of the sixty requests due from the fault's start on were lost: three seconds' worth of three a second."""
    story = Story(tmp_path, BUDGET)
    _lose(story, 9)
    promise = story.verdict()
    assert ("fail", 2.925) == (promise.outcome, promise.observed)
    assert promise.why.startswith("9 of 60 requests were lost in the 19.5 s")


def test_nothing_lost_is_nothing_spent(tmp_path: Path) -> None:
    """A fault that hurt nobody costs nothing."""
    promise = Story(tmp_path, BUDGET).verdict()
    assert ("pass", 0.0) == (promise.outcome, promise.observed)


def test_what_nobody_could_serve_is_no_budget_of_the_routers(tmp_path: Path) -> None:
    """Every endpoint of the tenant was struck."""
    story = Story(tmp_path, BUDGET, injections=[injection("region-down-1", NEAR, SPARE)])
    story.faults = fault_records("region-down-1", NEAR, SPARE)
    _lose(story, 9)
    assert "unknown" == story.verdict().outcome


@settings(deadline=None, max_examples=20)
@given(lost=st.integers(0, 30), more=st.integers(0, 10))
def test_the_budget_grows_with_what_is_lost(lost: int, more: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is never negative, never more than the time there was, and losing more never costs less."""
    spent = []
    for count in (lost, lost + more):
        story = Story(tmp_path_factory.mktemp("spent"), BUDGET)
        _lose(story, min(count, 30))
        spent.append(story.verdict().observed or 0.0)
    assert 0.0 <= spent[0] <= spent[1] <= 20.0


@pytest.mark.parametrize(
    ("integrity", "truncated", "garbled"),
    [
        ("truncated", "fail", "pass"),
        ("empty", "fail", "pass"),
        ("duplicated", "pass", "fail"),
        ("mixed", "pass", "fail"),
        ("garbled", "pass", "fail"),
        ("foreign", "pass", "pass"),
    ],
)
def test_what_is_wrong_with_an_answer_says_which_promise_it_breaks(
    integrity: str, truncated: str, garbled: str, tmp_path: Path
) -> None:
    """A part of it, or not one piece; another request's is a promise of its own."""
    story = Story(tmp_path, TRUNCATED, GARBLED)
    place = story.during()[0]
    story.client[place].outcome, story.client[place].integrity = "wrong", integrity  # type: ignore[assignment]
    story.provider.append(attempt(place, ON_S + 0.001, outcome="cut"))
    assert [truncated, garbled] == [promise.outcome for promise in story.judged()]


@pytest.mark.parametrize("promise", [TRUNCATED, GARBLED])
def test_where_nothing_was_spoiled_nothing_is_proven(promise: str, tmp_path: Path) -> None:
    """Answers that had no reason to be wrong say nothing of what becomes of those that have."""
    assert "unknown" == Story(tmp_path, promise).verdict().outcome


@pytest.mark.parametrize("promise", [TRUNCATED, GARBLED])
def test_an_answer_that_a_fault_touched_is_evidence(promise: str, tmp_path: Path) -> None:
    """A whole answer without its usage, say: the endpoint cut nothing, and yet a router may lose a part of it."""
    story = Story(tmp_path, promise)
    story.provider[45].faults = ["region-down-1"]
    assert "pass" == story.verdict().outcome
