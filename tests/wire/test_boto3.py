"""An unmodified boto3 cannot tell the emulated Bedrock from the real one."""

from typing import Any

import botocore.exceptions
import pytest
import urllib3.exceptions

from brownout.answer import read_reply
from brownout.wire import Cut, Refusal
from tests.wire.world import CLAUDE, PROVISIONED, RefuseBefore, StopAfter, World


def _asked(world: World, **changes: Any) -> dict[str, Any]:
    prompt = f"hello {world.mint.value('acme', 3)}"
    messages = [{"role": "user", "content": [{"text": prompt}]}]
    return {"modelId": CLAUDE, "messages": messages, "inferenceConfig": {"maxTokens": 6}} | changes


def _refused(world: World, **asked: Any) -> tuple[str, int, int]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        world.bedrock().converse(**_asked(world, **asked))
    said = caught.value.response
    return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"], len(world.seen())


def _text(events: list[dict[str, Any]]) -> str:
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)


def test_converse_answers_whole(world: World) -> None:
    """Converse gives the whole text, the stop reason, the usage and a request id."""
    reply = world.bedrock().converse(**_asked(world))
    text = reply["output"]["message"]["content"][0]["text"]
    assert ("bedrock", "whole") == read_reply(text, "acme-3")
    assert "end_turn" == reply["stopReason"]
    assert 6 == reply["usage"]["outputTokens"]
    assert 36 == len(reply["ResponseMetadata"]["RequestId"])
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


def test_a_provisioned_arn_is_a_model_id(world: World) -> None:
    """An ARN in the path, percent-encoded by boto3 and so signed, reaches its endpoint."""
    reply = world.bedrock("bedrock-pt").converse(**_asked(world, modelId=PROVISIONED))
    assert "bedrock-pt" == read_reply(reply["output"]["message"]["content"][0]["text"], "acme-3").endpoint


def test_converse_stream_gives_its_events_in_order(world: World) -> None:
    """ConverseStream gives messageStart, deltas, contentBlockStop, messageStop, metadata."""
    events = list(world.bedrock().converse_stream(**_asked(world))["stream"])
    kinds = [next(iter(event)) for event in events]
    assert ["messageStart", *["contentBlockDelta"] * 6, "contentBlockStop", "messageStop", "metadata"] == kinds
    assert ("bedrock", "whole") == read_reply(_text(events), "acme-3")
    assert "latencyMs" in events[-1]["metadata"]["metrics"]


@pytest.mark.parametrize(
    ("refusal", "code", "status", "attempts"),
    [
        (Refusal("unavailable", retry_after_s=0.01), "ServiceUnavailableException", 503, 3),
        (Refusal("timeout"), "ModelTimeoutException", 408, 1),
        (Refusal("model-error"), "ModelErrorException", 424, 1),
        (Refusal("denied"), "AccessDeniedException", 403, 1),
    ],
)
def test_refusals_are_boto3s_typed_errors(
    world: World, refusal: Refusal, code: str, status: int, attempts: int
) -> None:
    """Each refusal arrives as AWS's own error, and boto3 retries it as it would the real one."""
    world.fault("bedrock", RefuseBefore(refusal))
    assert (code, status, attempts) == _refused(world)


def test_throttling_is_throttling_to_boto3(world: World) -> None:
    """A throttled call is retried twice, by the wait the service asks for, and then is a ThrottlingException."""
    active = world.fault("bedrock", RefuseBefore(Refusal("throttled", retry_after_s=0.02)))
    client = world.bedrock()
    with pytest.raises(client.exceptions.ThrottlingException) as caught:
        client.converse(**_asked(world))
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert ("1", "20") == (headers["retry-after"], headers["x-amz-retry-after"])
    assert 3 == active.fired
    assert [["i1"]] * 3 == [record.faults for record in world.seen()]


def test_the_services_own_validation_answers(world: World) -> None:
    """What the service model forbids is a ValidationException, and so is what only the service knows."""
    assert ("ValidationException", 400, 1) == _refused(
        world, messages=[{"role": "assistant", "content": [{"text": "x"}]}]
    )


def test_an_unknown_model_is_not_found(world: World) -> None:
    """A model that the endpoint does not serve is a ResourceNotFoundException."""
    assert ("ResourceNotFoundException", 404, 1) == _refused(world, modelId="anthropic.claude-instant-v1")


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
        world.bedrock(**credentials).converse(**_asked(world))
    assert code == caught.value.response["Error"]["Code"]
    assert [("refused", "unauthenticated", 403)] == [(r.outcome, r.refusal, r.status) for r in world.seen()]


def test_a_refusal_within_a_stream_is_an_event_stream_error(world: World) -> None:
    """Throttling after the 200 is an EventStreamError named in lower camel case, and is never retried."""
    world.fault("bedrock", StopAfter(2, Refusal("throttled")))
    stream = world.bedrock().converse_stream(**_asked(world))["stream"]
    with pytest.raises(botocore.exceptions.EventStreamError) as caught:
        list(stream)
    assert "throttlingException" == caught.value.response["Error"]["Code"]
    assert [("refused", "throttled", 200, 2)] == [(r.outcome, r.refusal, r.status, r.tokens) for r in world.seen()]


def test_a_cut_stream_is_a_broken_transfer(world: World) -> None:
    """A connection closed in mid-stream breaks the chunked transfer under boto3."""
    world.fault("bedrock", StopAfter(2, Cut()))
    stream = world.bedrock().converse_stream(**_asked(world))["stream"]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        list(stream)
    assert ["cut"] == [record.outcome for record in world.seen()]


def test_a_politely_truncated_stream_looks_whole_to_boto3(world: World) -> None:
    """boto3 ends its iteration without a word where the stream lacks messageStop: the trap that promises must catch."""
    world.fault("bedrock", StopAfter(2, None))
    events = list(world.bedrock().converse_stream(**_asked(world))["stream"])
    assert ["messageStart", "contentBlockDelta", "contentBlockDelta"] == [next(iter(event)) for event in events]
    assert ["cut"] == [record.outcome for record in world.seen()]
