"""What the metrics on credentials say of small histories: in time, once for all, and without a secret."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.evidence import CredentialRecord, ProviderRecord
from brownout.history import History
from brownout.metrics import METRICS, View
from brownout.verdict import Promise
from tests.histories import TEST, TOPOLOGY, Story, a_test, attempt, phases

IN_TIME = "expired_credentials_sent <= 0"
NOT_FOR_LONG = "expired_for_s <= 2s"
ONCE = "token_stampede <= 5"
SECRETLESS = "static_credentials <= 0"
ROLE = "arn:aws:iam::123456789012:role/brownout-near"


def call(at_s: float, service: str = "sts", principal: str = ROLE) -> CredentialRecord:
    """Return a call that was answered."""
    return CredentialRecord(test=TEST, service=service, principal=principal, at_s=at_s, end_s=at_s + 0.1, status=200)


def showing(story: Story, credential: str = "session", until_s: float | None = 15.0) -> Story:
    """Let every attempt of a story show one credential."""
    for one in story.provider:
        one.credential, one.credential_id, one.credential_until_s = credential, "c1", until_s  # type: ignore[assignment]
    return story


def refused(record: ProviderRecord) -> None:
    """Let an attempt have been refused as expired."""
    record.outcome, record.status, record.refusal, record.expired = "refused", 403, "unauthenticated", True


def outcome(promise: Promise) -> tuple[str, float | None]:
    """Return a verdict's outcome and figure."""
    return promise.outcome, promise.observed


def measured(name: str, attempts: list[ProviderRecord], calls: list[CredentialRecord]) -> float:
    """Return a metric's figure for these attempts and calls alone."""
    history = History(a_test(), TOPOLOGY, client=[], provider=attempts, faults=[], phases=phases(), credentials=calls)
    view = View(history=history, client=[], attempts=history.attempts, windows=[], credentials=history.credentials)
    return METRICS[name].measure(view).value


def test_credentials_that_ended_and_were_never_refused_are_renewed_in_time(tmp_path: Path) -> None:
    """Green: one has ended meanwhile, and nobody was refused for it."""
    assert ("pass", 0.0) == outcome(showing(Story(tmp_path, IN_TIME)).verdict())


def test_one_attempt_with_an_ended_credential_is_one_too_many(tmp_path: Path) -> None:
    """Red, with its request for a witness, also where the baseline was not healthy."""
    story = showing(Story(tmp_path, IN_TIME))
    refused(story.provider[70])
    story.faults = []
    verdict = story.verdict()
    assert ("fail", 1.0, [story.provider[70].canary]) == (*outcome(verdict), verdict.witnesses)


@pytest.mark.parametrize("until_s", [None, 1e6])
def test_without_an_end_nobody_can_be_in_time(tmp_path: Path, until_s: float | None) -> None:
    """Unknown: where no credential has ended, nothing was seen of its renewal."""
    assert ("unknown", None) == outcome(showing(Story(tmp_path, IN_TIME), until_s=until_s).verdict())


def test_a_credential_is_not_held_against_those_who_had_sent_it_before_the_first_refusal(tmp_path: Path) -> None:
    """What had left before the refusal was out is no second time."""
    story = showing(Story(tmp_path, NOT_FOR_LONG))
    story.provider += [attempt(200 + i, 12.0 + i * 0.01, credential_id="c2", end_s=12.5) for i in range(5)]
    for one in story.provider[-5:]:
        refused(one)
    assert ("pass", 0.0) == outcome(story.verdict())


def test_a_credential_sent_on_after_its_refusal_is_counted_to_the_last(tmp_path: Path) -> None:
    """Red: the time from the first refusal to the last request that showed the same one; another's is its own."""
    story = showing(Story(tmp_path, NOT_FOR_LONG))
    story.provider += [
        attempt(200, 11.0, end_s=11.0, credential_id="c2"),
        attempt(201, 15.5, end_s=15.5, credential_id="c2"),
        attempt(202, 19.0, end_s=19.0, credential_id="c3"),
    ]
    for one in story.provider[-3:]:
        refused(one)
    verdict = story.verdict()
    assert ("fail", 4.5, "acme-201") == (*outcome(verdict), verdict.witnesses[0])


def test_where_nothing_expired_nobody_knows_for_how_long_it_would_be_sent(tmp_path: Path) -> None:
    """Unknown."""
    assert ("unknown", None) == outcome(showing(Story(tmp_path, NOT_FOR_LONG)).verdict())


def test_calls_for_several_roles_are_no_stampede(tmp_path: Path) -> None:
    """Green: everybody renews at once, each once; the machine's own credentials are asked for by all."""
    story = Story(tmp_path, ONCE)
    story.credentials = [call(12.0, principal=f"role-{i}") for i in range(9)] + [call(12.0, "imds")] * 9
    assert ("pass", 1.0) == outcome(story.verdict())


def test_many_calls_for_one_role_in_a_second_are_a_stampede(tmp_path: Path) -> None:
    """Red, whether they were answered or not."""
    story = Story(tmp_path, ONCE)
    story.credentials = [call(12.0 + i * 0.1) for i in range(6)] + [call(13.5)]
    for one in story.credentials:
        one.status = None
    assert ("fail", 6.0) == outcome(story.verdict())


@pytest.mark.parametrize("calls", [[], [call(12.0, "imds"), call(12.0, "google_sts")]])
def test_without_calls_nobody_knows_of_a_stampede(tmp_path: Path, calls: list[CredentialRecord]) -> None:
    """Unknown."""
    story = Story(tmp_path, ONCE)
    story.credentials = calls
    assert ("unknown", None) == outcome(story.verdict())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("session", "pass"), ("token", "pass"), ("none", "pass"), ("static", "fail"), ("keyed-token", "fail")],
)
def test_only_what_ends_and_was_had_without_a_secret_is_secretless(tmp_path: Path, kind: str, expected: str) -> None:
    """A token had for a private key is as good as the key."""
    assert expected == showing(Story(tmp_path, SECRETLESS), kind).verdict().outcome


def test_attempts_that_showed_nothing_yet_tell_nothing_of_secrets(tmp_path: Path) -> None:
    """Unknown: those that were refused before anybody looked at their credential."""
    assert ("unknown", None) == outcome(Story(tmp_path, SECRETLESS).verdict())


INSTANTS = st.lists(st.floats(0, 10).map(lambda at_s: round(at_s, 3)), min_size=1, max_size=30)


@given(INSTANTS, st.floats(-50, 50).map(lambda s: round(s, 2)))
def test_a_stampede_is_the_same_whenever_it_happens(instants: list[float], later_s: float) -> None:
    """At least one, at most all, and not fewer when more call."""

    def most(times: list[float]) -> float:
        return measured("token_stampede", [], [call(at_s + 100) for at_s in times])

    assert 1 <= most(instants) <= len(instants)
    assert most(instants) <= most([*instants, instants[0]])
    assert most([0.0] * len(instants)) == len(instants)
    assert most([later_s]) == 1


@given(INSTANTS)
def test_the_time_a_credential_was_sent_on_is_never_longer_than_all_it_was_seen(instants: list[float]) -> None:
    """And another credential changes nothing, unless its own is longer."""
    late = [attempt(i, at_s, credential_id="c", end_s=at_s) for i, at_s in enumerate(instants)]
    other = attempt(99, 3.0, credential_id="d")
    for one in [*late, other]:
        refused(one)
    figure = measured("expired_for_s", late, [])
    assert max(instants) - min(instants) == pytest.approx(figure)
    assert figure == measured("expired_for_s", [*late, other], [])


def test_every_metric_here_says_what_it_is_about() -> None:
    """One line for people."""
    names: list[Any] = [text.split()[0] for text in (IN_TIME, NOT_FOR_LONG, ONCE, SECRETLESS)]
    assert all(METRICS[name].about.endswith(".") for name in names)
