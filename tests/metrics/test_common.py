"""Common questions: what is told of their answers, and that they make no other promise red or green by themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brownout.answering import Answering
from brownout.canary import COMMON
from brownout.crossing import crossing, made_abroad, mixed_up
from brownout.egress import EgressRecord
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.topology import Boundary
from reports.leak_words import sentence
from reports.leaks import leaks_of
from reports.ledger import ledger
from reports.reading import read
from tests.histories import ABROAD, ACME, EUROPA, NEAR, SPARE, TEST, TOPOLOGY, Story, ask, attempt

QUESTION, OTHER_QUESTION = f"{COMMON}-2", f"{COMMON}-3"
CROSSED, REPLIES, FOREIGN = "boundary_violations <= 0", "data_in_replies <= 0", "foreign_answers <= 0"


def asks(number: int, due_s: float, **changes: Any) -> ClientRecord:
    """Return a request of a common question."""
    return ask(number, due_s, **({"question": QUESTION} | changes))


def asked(arrived_s: float, endpoint: str = NEAR, **changes: Any) -> ProviderRecord:
    """Return an attempt for a common question."""
    return attempt(0, arrived_s, endpoint, **({"canary": QUESTION, "tenant": None} | changes))


def given(place: str, canary: str, **changes: Any) -> EgressRecord:
    """Return the sighting of an answer in another's reply."""
    known: dict[str, Any] = {"kind": "completion", "chain": "raw", "part": "body", "to": place.rpartition("-")[0]}
    return EgressRecord(test=TEST, at_s=12.0, layer="replies", place=place, canary=canary, **(known | changes))


@pytest.mark.parametrize("endpoint", [NEAR, ABROAD])
def test_an_attempt_for_a_common_question_crosses_nothing(endpoint: str) -> None:
    """Anybody may have asked it."""
    assert "" == crossing(TOPOLOGY, asked(1.0, endpoint))


@pytest.mark.parametrize(
    ("record", "places"),
    [
        (asks(1, 1.0, served_by=NEAR), []),
        (asks(1, 1.0, served_by=ABROAD), [("acme-1", ABROAD)]),
        (asks(1, 1.0, tenant=EUROPA, served_by=NEAR), [("europa-1", NEAR)]),
        (asks(1, 1.0, served_by=None), []),
        (asks(1, 1.0, question="", served_by=ABROAD), []),  # its own attempt tells that
    ],
)
def test_an_answer_made_outside_its_tenants_boundary_is_told(
    record: ClientRecord, places: list[tuple[str, str]]
) -> None:
    """By what the client was given: who made it says so in it."""
    found = made_abroad(TOPOLOGY, [record], Answering([record], []))
    assert places == [(one.canary, one.place) for one in found]


def test_where_answers_may_leave_it_is_none() -> None:
    """A boundary that keeps no answers in asks nothing of where they were made."""
    tenants = {ACME: msgspec.structs.replace(TOPOLOGY.tenants[ACME], boundary="loose")}
    loose = msgspec.structs.replace(TOPOLOGY, tenants=tenants, boundaries={"loose": Boundary(never=["prompt"])})
    record = asks(1, 1.0, served_by=ABROAD)
    assert [] == list(made_abroad(loose, [record], Answering([record], [])))


def test_an_answer_made_abroad_is_a_violation_and_a_story(tmp_path: Path) -> None:
    """boundary_violations counts it, and reports tell it with where it was made."""
    story = Story(tmp_path, CROSSED)
    story.client.append(asks(500, 12.0, served_by=ABROAD))
    story.provider.append(asked(12.1, ABROAD))
    verdict = story.verdict()
    assert ("fail", 1.0, ["acme-500"]) == (verdict.outcome, verdict.observed, verdict.witnesses)
    run = story.run
    (leak,) = [leak for test in run.plan().tests for leak in leaks_of(test, run.plan(), read(run))]
    assert (
        f"12.3 s into {TEST}, amid region-down at us-east-1: acme's answer (acme-500) was made at {ABROAD} "
        f"(to {QUESTION})."
    ) == sentence(leak)
    told = ledger(run.plan(), run.provider(), [leak])
    assert [(ABROAD, "where an answer was made", [1, 0])] == [(one.place, one.where, one.counts) for one in told.aside]


def test_common_questions_at_home_are_said_beside_the_attempts(tmp_path: Path) -> None:
    """They count for themselves: an attempt that is nobody's shows no tenant's boundary to be kept."""
    story = Story(tmp_path, CROSSED)
    story.client += [asks(500 + n, 12.0 + n, served_by=SPARE) for n in range(3)]
    story.provider += [asked(12.1 + n, SPARE) for n in range(3)]
    verdict = story.verdict()
    assert ("pass", 0.0) == (verdict.outcome, verdict.observed)
    said = "120 attempts, each inside its tenant's boundary; 3 answers to common questions, each made inside"
    assert verdict.why.startswith(said)


def test_an_answer_joined_over_tenants_is_anothers_data(tmp_path: Path) -> None:
    """data_in_replies, by whose it was first."""
    story = Story(tmp_path, REPLIES)
    story.client += [asks(500, 11.0), asks(501, 12.0, tenant=EUROPA, served_by=ABROAD)]
    story.provider.append(asked(11.1))
    story.egress = [given("europa-501", "acme-500")]
    verdict = story.verdict()
    assert ("fail", ["acme-500"]) == (verdict.outcome, verdict.witnesses)


@pytest.mark.parametrize(
    ("falsified", "place", "canary", "left_out"),
    [
        ([QUESTION], "europa-501", "acme-500", True),  # who was given it later was given it by an endpoint
        ([OTHER_QUESTION], "europa-502", "acme-500", True),
        ([OTHER_QUESTION], "acme-500", "europa-502", True),  # and so may be who was given it first
        (["europa-503"], "europa-503", "acme-500", True),
        (["europa-503"], "europa-501", "acme-500", False),  # somebody else's was
        ([], "europa-501", "acme-500", False),
        ([OTHER_QUESTION], "europa-501", "acme-500", False),
    ],
)
def test_an_answer_that_an_endpoint_mixed_up_is_not_the_routers_doing(
    falsified: Sequence[str], place: str, canary: str, *, left_out: bool
) -> None:
    """Common answers, too: to either of the two requests an endpoint may have given the other's."""
    client = [
        asks(500, 11.0),
        asks(501, 11.0, tenant=EUROPA),
        asks(502, 11.0, tenant=EUROPA, question=OTHER_QUESTION),
        ask(503, 11.0, tenant=EUROPA),
    ]
    attempts = [asked(11.1, canary=one, falsified=one in falsified) for one in (QUESTION, OTHER_QUESTION, "europa-503")]
    answering = Answering(client, attempts)
    assert left_out == mixed_up(answering, given(place, canary))
    assert not mixed_up(answering, given(place, canary, kind="prompt"))


def test_what_an_endpoint_falsified_later_excuses_nothing() -> None:
    """An answer is of no attempt that came when it had ended; a cache may have kept it from any before."""
    client = [asks(500, 11.0), asks(501, 11.5, tenant=EUROPA)]
    for at_s, left_out in ((5.0, True), (11.7, True), (12.0, False)):
        answering = Answering(client, [asked(11.1), asked(at_s, falsified=True)])
        assert left_out == mixed_up(answering, given("europa-501", "acme-500"))


@pytest.mark.parametrize(("falsified", "outcome"), [(True, "pass"), (False, "fail")])
def test_a_foreign_answer_that_an_endpoint_gave_is_left_out(tmp_path: Path, outcome: str, *, falsified: bool) -> None:
    """foreign_answers, and where an answer says that it was made: neither is held against the router."""
    story = Story(tmp_path, FOREIGN, CROSSED)
    story.client.append(asks(500, 12.0, served_by=ABROAD, integrity="foreign", outcome="wrong"))
    story.provider.append(asked(12.1, falsified=falsified))
    assert [outcome, outcome] == [promise.outcome for promise in story.judged()]


@pytest.mark.parametrize(
    "text",
    [
        "retry_amplification <= 2 x",
        "attempts_per_request_max <= 3",
        "nonretryable_retries <= 0",
        "stream_held_ratio <= 50%",
        "foreign_answers <= 0",
        "served_during_fault >= 90%",
        "time_to_failover_s <= 5 s",
        "expired_credentials_sent <= 0",
    ],
)
def test_other_promises_are_not_broken_by_common_questions(text: str, tmp_path: Path) -> None:
    """Those that follow a request to its attempts see the requests that have attempts of their own."""
    plain, mixed = Story(tmp_path / "plain", text), Story(tmp_path / "mixed", text)
    for story in (plain, mixed):
        story.run.path.mkdir()
        story.provider.append(attempt(0, 0.005, outcome="refused", refusal="invalid", status=400))
        story.provider[-1].canary, story.provider[-1].tenant = "acme-999", ACME
    mixed.client += [asks(500 + n, 10.0 + n / 2, served_by=SPARE) for n in range(20)]
    mixed.provider += [asked(10.1 + n / 2, SPARE) for n in range(20)]
    mixed.provider += [asked(10.05 + n, SPARE, outcome="refused", refusal="too-large", status=413) for n in range(5)]
    before, after = plain.verdict(), mixed.verdict()
    assert (before.outcome, before.observed) == (after.outcome, after.observed)
