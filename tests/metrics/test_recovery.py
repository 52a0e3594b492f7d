"""When a test says that service is good again: after a run of requests, or after a short rest that is all prompt."""

from pathlib import Path

import pytest

from brownout.metrics.promptness import REST_MIN, RUN_LENGTH
from brownout.verdict import Promise
from tests.histories import LAST_S, NEAR, OFF_S, ON_S, SPARE, Story, ask, attempt, lost

SERVES_AGAIN, RECOVERS = "time_to_serve_again_s <= 9s", "time_to_recover_s <= 9s"
BOTH = pytest.mark.parametrize("promise", [SERVES_AGAIN, RECOVERS])
WAITED_S = 3.0  # for a first token: an answer, and no prompt one


def _after(folder: Path, promise: str, waits_s: str) -> Story:
    """Return a fault after which a request every quarter of a second was prompt (``.``), late (``-``) or lost (``x``).

    All of them went to the endpoint that had the fault, as before it, and it answered: the traffic is back at once, and
    what is seen of it is the router's doing.
    """
    story = Story(folder, promise)
    story.client = [one for one in story.client if one.due_s < OFF_S]
    story.provider = [one for one in story.provider if one.arrived_s < OFF_S]
    before = len(story.client)
    for number, wait in enumerate(waits_s, start=before):
        due_s = OFF_S + (number - before) / 4
        late = {"first_token_s": due_s + WAITED_S, "end_s": due_s + WAITED_S + 0.2} if wait == "-" else {}
        story.client.append(lost(number, due_s) if wait == "x" else ask(number, due_s, **late))
        story.provider.append(attempt(number, due_s))
    return story


def _outcome(folder: Path, promise: str, waits_s: str) -> tuple[str, float | None]:
    verdict = _after(folder, promise, waits_s).verdict()
    return verdict.outcome, verdict.observed


@BOTH
@pytest.mark.parametrize(
    ("waits_s", "observed"),
    [
        ("." * RUN_LENGTH, 0.0),
        ("xxxx" + "." * RUN_LENGTH, 1.0),
        ("xxxx" + ".........-........x." + "." * 4, 1.0),
        ("x" * 12 + "." * 8, 3.0),
        ("-" * 12 + "." * REST_MIN, 3.0),
    ],
    ids=["a run", "later", "two of a run are not", "a rest", "a rest after late ones"],
)
def test_service_is_good_again_from_the_first_answer_of_a_run_or_of_an_all_prompt_rest(
    tmp_path: Path, promise: str, waits_s: str, observed: float
) -> None:
    """Eighteen of twenty are a run; where fewer are left, eight are enough when all of them are prompt."""
    assert ("pass", observed) == _outcome(tmp_path, promise, waits_s)


@BOTH
@pytest.mark.parametrize(
    "waits_s",
    ["x" * 12 + "....-....", "x" * 12 + "....x....", "x" * 13 + "." * (REST_MIN - 1), "x.-." * 6],
    ids=["one late", "one lost", "too few", "now and then"],
)
def test_a_short_rest_that_is_not_all_prompt_is_no_service(tmp_path: Path, promise: str, waits_s: str) -> None:
    """What is shorter than a run bears no exception; and seven tell nothing, however prompt."""
    verdict = _after(tmp_path, promise, waits_s).verdict()
    assert ("fail", None) == (verdict.outcome, verdict.observed)
    assert "were not answered promptly" in verdict.why


@BOTH
@pytest.mark.parametrize("waits_s", ["", "." * (RUN_LENGTH - 1)], ids=["none", "too few"])
def test_without_requests_after_the_fault_nobody_can_tell(tmp_path: Path, promise: str, waits_s: str) -> None:
    """A rest is one of a test that went on for long enough: who was hardly asked has shown nothing."""
    assert ("unknown", None) == _outcome(tmp_path, promise, waits_s)


GENTLY = "reopen_share_ratio <= 70%"


def _let_up(folder: Path, *, before: int, first: int) -> Promise:
    """Return what is said of a place that had so many of eight requests, none while faulted, and then so many again."""
    story = Story(folder, GENTLY)
    story.client = [ask(number, number / 8) for number in range(int(LAST_S * 8))]
    story.provider = []
    for number, one in enumerate(story.client):
        there = before if one.due_s < ON_S else 0 if one.due_s < OFF_S else first
        story.provider.append(attempt(number, one.due_s, NEAR if number % 8 < there else SPARE))
    story.provider.append(attempt(len(story.client), ON_S + 1, NEAR, outcome="refused", status=503))
    return story.verdict()


@pytest.mark.parametrize(
    ("before", "first", "outcome"), [(8, 1, "pass"), (8, 8, "fail"), (4, 1, "pass"), (8, 5, "unknown")]
)
def test_a_place_that_carried_much_is_let_up_gently_or_at_once(
    tmp_path: Path, before: int, first: int, outcome: str
) -> None:
    """Twenty attempts tell, where most of them would have come to it."""
    assert outcome == _let_up(tmp_path, before=before, first=first).outcome


@pytest.mark.parametrize("first", [1, 2])
def test_a_place_that_carried_little_takes_more_attempts_and_may_take_repeats(tmp_path: Path, first: int) -> None:
    """Of a quarter, twenty attempts hold five: 32 are looked at, and it is said how many plays would tell."""
    promise = _let_up(tmp_path, before=2, first=first)
    assert ("unknown", 32, True) == (promise.outcome, promise.samples, (promise.repeats or 99) <= 20)
