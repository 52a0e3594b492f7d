"""Every error of Converse, ConverseStream and CountTokens is boto3's own, and is tried as often as the real one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import botocore.config
import botocore.exceptions
import pytest
import urllib3.exceptions

from brownout.dialects.bedrock_converse import OPERATIONS
from brownout.fault import Exchange
from brownout.wire import Cut, Event, Refusal
from tests.wire.test_boto3 import PROFILES, asked
from tests.wire.world import CLAUDE, PROVISIONED, RefuseBefore, StopAfter, World

RETRIED = 3
"""Attempts of one call under botocore's standard retry mode, its default."""

ERRORS: dict[str, tuple[Refusal, int, int]] = {
    "AccessDeniedException": (Refusal("denied"), 403, 1),
    "ThrottlingException": (Refusal("throttled"), 429, RETRIED),
    "ResourceNotFoundException": (Refusal("not-found"), 404, 1),
    "ModelTimeoutException": (Refusal("timeout"), 408, 1),
    "InternalServerException": (Refusal("internal"), 500, RETRIED),
    "ServiceUnavailableException": (Refusal("unavailable"), 503, RETRIED),
    "ValidationException": (Refusal("invalid", "no"), 400, 1),
    "ModelNotReadyException": (Refusal("overloaded", code="ModelNotReadyException"), 429, RETRIED),
    "ModelErrorException": (Refusal("model-error", original_status=507), 424, 1),
}
"""How each modelled error comes about: the refusal, its status, and boto3's attempts."""

UNMODELLED: dict[str, tuple[Refusal, int, int]] = {
    "ServiceQuotaExceededException": (Refusal("throttled", code="ServiceQuotaExceededException"), 400, 1),
    "IncompleteSignature": (Refusal("unauthenticated", code="IncompleteSignature"), 400, 1),
    "ExpiredTokenException": (Refusal("unauthenticated", code="ExpiredTokenException"), 403, 1),
    "InternalFailure": (Refusal("internal", code="InternalFailure"), 500, RETRIED),
    "FTUFormNotFilled": (Refusal("denied", code="FTUFormNotFilled"), 404, 1),
}
"""Errors outside the operations' model, which AWS's user guide lists all the same."""


def _cases(operation: str) -> list[Any]:
    return [
        pytest.param(name, *ERRORS[name], marks=pytest.mark.wire("bedrock-converse", operation, name))
        for name in OPERATIONS[operation]
        if name in ERRORS
    ]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let boto3's waits between attempts take no time, and return them, in seconds."""
    taken: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=taken.append))
    return taken


def _typed(world: World, call: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return what the error's class of the client's own says."""
    client = world.bedrock()
    with pytest.raises(getattr(client.exceptions, name)) as caught:
        getattr(client, call)(**request)
    said: dict[str, Any] = caught.value.response
    assert name == said["Error"]["Code"]
    assert said["Error"]["Message"]
    assert 36 == len(said["ResponseMetadata"]["RequestId"])
    return said


@pytest.mark.parametrize(("name", "refusal", "status", "attempts"), _cases("Converse"))
def test_converses_errors_are_typed(world: World, name: str, refusal: Refusal, status: int, attempts: int) -> None:
    """Each modelled error of Converse is the client's class of that name, and is retried as the real one."""
    world.fault("bedrock", RefuseBefore(refusal))
    said = _typed(world, "converse", name, asked(world))
    assert (status, attempts) == (said["ResponseMetadata"]["HTTPStatusCode"], len(world.seen()))
    if name == "ModelErrorException":
        assert 507 == said["originalStatusCode"]


@pytest.mark.parametrize(("name", "refusal", "status", "attempts"), _cases("ConverseStream"))
def test_converse_streams_errors_are_typed(
    world: World, name: str, refusal: Refusal, status: int, attempts: int
) -> None:
    """The same before the 200 of a stream."""
    world.fault("bedrock", RefuseBefore(refusal))
    said = _typed(world, "converse_stream", name, asked(world))
    assert (status, attempts) == (said["ResponseMetadata"]["HTTPStatusCode"], len(world.seen()))


@pytest.mark.parametrize(("name", "refusal", "status", "attempts"), _cases("CountTokens"))
def test_count_tokens_errors_are_typed(world: World, name: str, refusal: Refusal, status: int, attempts: int) -> None:
    """The same for CountTokens."""
    world.fault("bedrock", RefuseBefore(refusal))
    inside = {"converse": {"messages": asked(world)["messages"]}}
    said = _typed(world, "count_tokens", name, {"modelId": CLAUDE, "input": inside})
    assert (status, attempts) == (said["ResponseMetadata"]["HTTPStatusCode"], len(world.seen()))


@pytest.mark.parametrize(
    ("name", "refusal", "status", "attempts"),
    [
        pytest.param(name, *row, marks=pytest.mark.wire("bedrock-converse", "Converse", name))
        for name, row in UNMODELLED.items()
    ],
)
def test_errors_outside_the_model_are_client_errors(
    world: World, name: str, refusal: Refusal, status: int, attempts: int
) -> None:
    """An error that the operation's model does not name is a plain ClientError of that code."""
    world.fault("bedrock", RefuseBefore(refusal))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.bedrock().converse(**asked(world))
    said = caught.value.response
    told = (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"], len(world.seen()))
    assert (name, status, attempts) == told


@pytest.mark.wire("bedrock-converse", "Converse", "retry after")
def test_boto3_waits_as_long_as_it_is_told(world: World, waits: list[float]) -> None:
    """A throttled call is retried after the wait that the service asks for in milliseconds."""
    active = world.fault("bedrock", RefuseBefore(Refusal("throttled", retry_after_s=2.5)))
    said = _typed(world, "converse", "ThrottlingException", asked(world))
    headers = said["ResponseMetadata"]["HTTPHeaders"]
    assert ("3", "2500") == (headers["retry-after"], headers["x-amz-retry-after"])
    assert ([2.5, 2.5], RETRIED) == (waits, active.fired)
    assert [["i1"]] * RETRIED == [record.faults for record in world.seen()]


@pytest.mark.wire("bedrock-converse", "Converse", "legacy retries")
def test_the_old_retry_mode_tries_five_times(world: World) -> None:
    """A client in the legacy mode sends the same call five times."""
    world.fault("bedrock", RefuseBefore(Refusal("unavailable")))
    client = world.bedrock(config=botocore.config.Config(retries={"mode": "legacy"}))
    with pytest.raises(client.exceptions.ServiceUnavailableException):
        client.converse(**asked(world))
    assert 5 == len(world.seen())


# --- refused by the service itself -------------------------------------------------------------------------

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("ValidationException", {"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, "start with a user"),
    ("ValidationException", {"messages": [{"role": "user", "content": [{"text": " "}]}]}, "is blank"),
    ("ValidationException", {"serviceTier": {"type": "gold"}}, "enum value set"),
    ("ValidationException", {"modelId": f"eu.{CLAUDE}"}, "The provided model identifier is invalid."),
    ("ValidationException", {"modelId": "anthropic.claude-instant-v1"}, "The provided model identifier is invalid."),
    ("ValidationException", {"modelId": PROVISIONED}, "The provided model identifier is invalid."),
]


@pytest.mark.wire("bedrock-converse", "Converse", "ValidationException")
@pytest.mark.parametrize(("name", "changes", "sentence"), BAD)
def test_what_the_service_forbids_is_refused(world: World, name: str, changes: dict[str, Any], sentence: str) -> None:
    """What only the service can know is wrong is its ValidationException, once."""
    said = _typed(world, "converse", name, asked(world, **changes))
    assert sentence in said["Error"]["Message"]
    assert [("refused", 400)] == [(record.outcome, record.status) for record in world.seen()]


@pytest.mark.wire("bedrock-converse", "CountTokens", "ValidationException")
def test_a_profiles_tokens_are_not_counted(world: World) -> None:
    """CountTokens takes a foundation model's id and no inference profile."""
    request = {"modelId": PROFILES[0], "input": {"converse": {"messages": asked(world)["messages"]}}}
    said = _typed(world, "count_tokens", "ValidationException", request)
    assert "The provided model doesn't support counting tokens." == said["Error"]["Message"]


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({"secret_access_key": "x" * 40}, "InvalidSignatureException"),
        ({"access_key_id": "ASIAAAAAAAAAAAAAAAAA"}, "UnrecognizedClientException"),
        ({"session_token": "stale"}, "UnrecognizedClientException"),
        ({"region": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_wrong_secrets_are_refused(world: World, credentials: dict[str, str], code: str) -> None:
    """A wrong secret, key, session or region is refused by AWS's own name for it, and not retried."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.bedrock(**credentials).converse(**asked(world))
    assert code == caught.value.response["Error"]["Code"]
    assert [("refused", "unauthenticated", 403)] == [(r.outcome, r.refusal, r.status) for r in world.seen()]


# --- after the 200 -----------------------------------------------------------------------------------------

IN_STREAM: list[tuple[Refusal, str]] = [
    (Refusal("throttled"), "throttlingException"),
    (Refusal("unavailable"), "serviceUnavailableException"),
    (Refusal("internal"), "internalServerException"),
    (Refusal("model-error", original_status=507), "modelStreamErrorException"),
    (Refusal("invalid", "Input is too long for requested model."), "validationException"),
]


@pytest.mark.parametrize(
    ("refusal", "name"),
    [pytest.param(*row, marks=pytest.mark.wire("bedrock-converse", "ConverseStream", row[1])) for row in IN_STREAM],
)
def test_a_refusal_within_a_stream_is_an_event_stream_error(world: World, refusal: Refusal, name: str) -> None:
    """An exception after the 200 is an EventStreamError named in lower camel case, and is never retried."""
    world.fault("bedrock", StopAfter(2, refusal))
    events: list[dict[str, Any]] = []
    with pytest.raises(botocore.exceptions.EventStreamError) as caught:
        events.extend(world.bedrock().converse_stream(**asked(world))["stream"])
    assert name == caught.value.response["Error"]["Code"]
    assert [("refused", refusal.kind, 200, 2)] == [(r.outcome, r.refusal, r.status, r.tokens) for r in world.seen()]


@pytest.mark.wire("bedrock-converse", "ConverseStream", "error frame")
@pytest.mark.parametrize(
    ("refusal", "code"), [(Refusal("timeout"), "ModelTimeoutException"), (Refusal("denied"), "AccessDeniedException")]
)
def test_what_the_stream_has_no_exception_for_is_an_error_frame(world: World, refusal: Refusal, code: str) -> None:
    """Any other error within a stream comes with its code as it is."""
    world.fault("bedrock", StopAfter(2, refusal))
    with pytest.raises(botocore.exceptions.EventStreamError) as caught:
        list(world.bedrock().converse_stream(**asked(world))["stream"])
    assert code == caught.value.response["Error"]["Code"]
    assert 1 == len(world.seen())


@pytest.mark.wire("bedrock-converse", "ConverseStream", "cut")
def test_a_cut_stream_is_a_broken_transfer(world: World) -> None:
    """A connection closed in mid-stream breaks the chunked transfer under boto3."""
    world.fault("bedrock", StopAfter(2, Cut()))
    stream = world.bedrock().converse_stream(**asked(world))["stream"]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        list(stream)
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire("bedrock-converse", "ConverseStream", "truncated")
def test_a_politely_truncated_stream_looks_whole_to_boto3(world: World) -> None:
    """boto3 ends its iteration without a word where the stream lacks messageStop: the trap that promises must catch."""
    world.fault("bedrock", StopAfter(2, None))
    events = list(world.bedrock().converse_stream(**asked(world))["stream"])
    assert ["messageStart", "contentBlockDelta", "contentBlockDelta"] == [next(iter(event)) for event in events]
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire("bedrock-converse", "Converse", "reset")
def test_a_reset_before_the_reply_is_retried(world: World) -> None:
    """A connection closed without a reply is tried three times."""
    world.fault("bedrock", StopAfter(0, Cut()))
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        world.bedrock().converse(**asked(world))
    assert ["cut"] * RETRIED == [record.outcome for record in world.seen()]


@dataclass
class _FallSilent:
    """Passes two tokens and then nothing more."""

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Pass two tokens through, then wait for the caller to leave."""
        passed = 0
        async for event in reply:
            if passed == 2:
                exchange.fired()
                await asyncio.Event().wait()
            passed += 1
            yield event


@pytest.mark.wire("bedrock-converse", "ConverseStream", "stall")
def test_a_stalled_stream_is_a_read_timeout(world: World) -> None:
    """A stream that falls silent is urllib3's ReadTimeoutError under boto3, and is never retried."""
    world.fault("bedrock", _FallSilent())
    impatient = botocore.config.Config(read_timeout=0.2)
    stream = world.bedrock(config=impatient).converse_stream(**asked(world))["stream"]
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        list(stream)
    stream.close()
    assert ["client-gone"] == [record.outcome for record in world.seen()]
