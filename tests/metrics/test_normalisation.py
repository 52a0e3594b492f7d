"""What the metrics of errors say of small histories: in what form they reach a client, and what they hide."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from brownout.evidence import ClientRecord, ProviderRecord
from brownout.history import History
from brownout.metrics import METRICS, NoEvidence, Observation, View
from tests.histories import NEAR, SPARE, TOPOLOGY, a_test, ask, attempt, fault_records, lost, phases

_OTHER = [
    msgspec.structs.replace(one, dialect="vertex-generate") if one.name == SPARE else one for one in TOPOLOGY.endpoints
]
TWO_DIALECTS = msgspec.structs.replace(TOPOLOGY, endpoints=_OTHER)
THROTTLED: dict[str, Any] = {"outcome": "refused", "status": 429, "refusal": "throttled"}
REJECTED: dict[str, Any] = {"outcome": "refused", "status": 400, "refusal": "invalid"}


def measured(name: str, client: Sequence[ClientRecord], provider: Sequence[ProviderRecord]) -> Observation:
    """Return what a metric says of a whole test."""
    history = History(a_test(), TWO_DIALECTS, client=client, provider=provider, faults=fault_records(), phases=phases())
    view = View(history=history, client=history.client, attempts=history.attempts, windows=history.windows)
    return METRICS[name].measure(view)


def refused(number: int, status: int, error: str, code: str = "") -> ClientRecord:
    """Return a request whose client was refused."""
    return lost(number, 11.0 + number / 10, status=status, error=error, code=code)


def throttled(number: int, *places: str) -> list[ProviderRecord]:
    """Return a request's attempts, all of which were throttled."""
    return [attempt(number, 11.0 + number / 10, place, **THROTTLED) for place in places]


# --- throttles ---------------------------------------------------------------------------------------------


def test_one_form_from_two_dialects_is_one() -> None:
    """Who threw the request out last cannot be told from it."""
    client = [refused(number, 429, "throttled", "rate_limit_exceeded") for number in (1, 2)]
    seen = measured("throttle_shapes", client, [*throttled(1, NEAR), *throttled(2, NEAR, SPARE)])
    assert (1, 2, []) == (seen.value, seen.samples, seen.witnesses)


@pytest.mark.parametrize("status", [429, 503])
def test_a_form_for_each_provider_is_one_too_many(status: int) -> None:
    """By their codes, or by their statuses; each form has a witness."""
    client = [
        refused(1, 429, "throttled", "ThrottlingException"),
        refused(2, status, "throttled", "RESOURCE_EXHAUSTED"),
    ]
    seen = measured("throttle_shapes", client, [*throttled(1, NEAR), *throttled(2, SPARE)])
    assert (2, ["acme-1", "acme-2"]) == (seen.value, seen.witnesses)


def test_one_dialect_cannot_show_that_all_are_alike() -> None:
    """The other provider never throttled."""
    client = [refused(number, 429, "throttled", "rate_limit_exceeded") for number in (1, 2)]
    with pytest.raises(NoEvidence, match="two dialects needed"):
        measured("throttle_shapes", client, [*throttled(1, NEAR), *throttled(2, NEAR)])


def test_what_failed_otherwise_is_no_throttle() -> None:
    """Neither a request that met another error, too, nor one that met nobody."""
    client = [refused(1, 429, "throttled"), refused(2, 503, "unavailable"), refused(3, 429, "throttled", "c")]
    tries = [attempt(1, 11.1, SPARE, outcome="refused", refusal="internal"), *throttled(1, NEAR), *throttled(3, NEAR)]
    with pytest.raises(NoEvidence, match="1 clients were refused after being throttled"):
        measured("throttle_shapes", client, tries)


# --- rejections --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "masked"),
    [
        (refused(0, 400, "invalid", "context_length_exceeded"), 0),
        (refused(0, 413, "too-large"), 0),
        (refused(0, 422, "invalid"), 0),
        (refused(0, 500, "internal"), 1),
        (refused(0, 424, "model-error"), 1),
        (refused(0, 429, "throttled"), 1),
        (ask(0, 11.0), 1),
        (lost(0, 11.0, "hung", status=None), 1),
    ],
)
def test_a_rejection_is_told_as_one(told: ClientRecord, masked: int) -> None:
    """By a 4xx that the client's dialect takes for it; a success, a server's error and silence all hide it."""
    client = [told, *(refused(number, 400, "invalid") for number in range(1, 5))]
    tries = [attempt(number, 11.0 + number / 10, **REJECTED) for number in range(5)]
    seen = measured("rejections_masked", client, tries)
    assert (masked, 5) == (seen.value, seen.samples)


def test_who_was_rejected_by_some_only_is_not_counted() -> None:
    """Another endpoint served it; four others are too few to tell."""
    client = [ask(0, 11.0), *(refused(number, 400, "invalid") for number in range(1, 5))]
    tries = [attempt(number, 11.0, **REJECTED) for number in range(5)] + [attempt(0, 11.1, SPARE)]
    with pytest.raises(NoEvidence, match="4 requests"):
        measured("rejections_masked", client, tries)


# --- what cannot be read -----------------------------------------------------------------------------------


def test_an_error_of_nobodys_is_illegible() -> None:
    """A page has neither a code nor a class; an error with either can be read."""
    client = [refused(1, 520, "unknown"), refused(2, 503, "unavailable"), refused(3, 418, "unknown", "teapot")]
    seen = measured("illegible_errors", client, [*throttled(1, NEAR), *throttled(2, NEAR), *throttled(3, NEAR)])
    assert (1, 3, ["acme-1"]) == (seen.value, seen.samples, seen.witnesses)


def test_nobody_was_refused_what_an_endpoint_refused() -> None:
    """The others served everybody."""
    with pytest.raises(NoEvidence, match="no client was refused"):
        measured("illegible_errors", [ask(1, 11.0)], [*throttled(1, NEAR), attempt(1, 11.1, SPARE)])
