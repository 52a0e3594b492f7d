"""An unmodified boto3 cannot tell the emulated InvokeModel from the real one."""

import json
from typing import Any

import botocore.exceptions
import pytest
import urllib3.exceptions

from brownout.answer import read_reply
from brownout.wire import Cut, Refusal
from tests.dialects.claude import strict_event, strict_message
from tests.wire.world import CLAUDE, PROVISIONED, RefuseBefore, StopAfter, World

DIALECT = "bedrock-invoke"
WHOLE, STREAM = "InvokeModel", "InvokeModelWithResponseStream"
WEATHER: dict[str, Any] = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"enum": ["Tromsø 🦜\u2028"]}}},
}


def _asked(world: World, *, model: str = CLAUDE, **changes: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"hello {world.mint.value('acme', 3)}"}]
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 6, "messages": messages} | changes
    return {"modelId": model, "body": json.dumps({name: value for name, value in body.items() if value is not ...})}


def _events(reply: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(event["chunk"]["bytes"]) for event in reply["body"]]


def _text(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")


# --- answers -----------------------------------------------------------------------------------------------


@pytest.mark.wire(DIALECT, WHOLE, "ok")
def test_invoke_model_answers_whole(world: World) -> None:
    """InvokeModel gives Claude's message, strictly typed, and its cost in headers."""
    reply = world.bedrock().invoke_model(**_asked(world))
    message = strict_message(reply["body"].read())
    [block] = message.content
    assert ("bedrock", "whole") == read_reply(block.text, "acme-3")  # type: ignore[union-attr]
    assert ("end_turn", 6) == (message.stop_reason, message.usage.output_tokens)
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    assert str(message.usage.input_tokens) == headers["x-amzn-bedrock-input-token-count"]
    assert "6" == headers["x-amzn-bedrock-output-token-count"]
    assert int(headers["x-amzn-bedrock-invocation-latency"]) >= 0
    assert ("application/json", 36) == (reply["contentType"], len(reply["ResponseMetadata"]["RequestId"]))
    assert [("ok", "acme-3", "acme", 200)] == [(r.outcome, r.canary, r.tenant, r.status) for r in world.seen()]


@pytest.mark.wire(DIALECT, STREAM, "ok")
def test_the_stream_gives_its_events_in_order(world: World) -> None:
    """Every chunk is one event of Anthropic's, strictly typed; the last bears the service's own figures."""
    reply = world.bedrock().invoke_model_with_response_stream(**_asked(world))
    assert "application/json" == reply["contentType"]
    events = _events(reply)
    kinds = [event["type"] for event in events]
    assert ["message_start", "content_block_start", *["content_block_delta"] * 6] == kinds[:8]
    assert ["content_block_stop", "message_delta", "message_stop"] == kinds[8:]
    assert ("bedrock", "whole") == read_reply(_text(events), "acme-3")
    metrics = events[-1].pop("amazon-bedrock-invocationMetrics")
    assert 6 == metrics["outputTokenCount"]
    assert 0 <= metrics["firstByteLatency"] <= metrics["invocationLatency"]
    for event in events:
        strict_event(json.dumps(event).encode())


@pytest.mark.wire(DIALECT, WHOLE, "provisioned ARN")
def test_a_provisioned_arn_is_a_model_id(world: World) -> None:
    """An ARN in the path, percent-encoded by boto3 and so signed, reaches its endpoint."""
    reply = world.bedrock("bedrock-pt").invoke_model(**_asked(world, model=PROVISIONED))
    message = strict_message(reply["body"].read())
    assert "bedrock-pt" == read_reply(message.content[0].text, "acme-3").endpoint  # type: ignore[union-attr]


@pytest.mark.wire(DIALECT, WHOLE, "performanceConfigLatency")
@pytest.mark.wire(DIALECT, STREAM, "performanceConfigLatency")
@pytest.mark.wire(DIALECT, WHOLE, "serviceTier")
def test_performance_and_tier_are_parameters(world: World) -> None:
    """What boto3 sends of them in headers is taken; a reply repeats the performance, and names the tier that served."""
    client = world.bedrock()
    chosen = {"performanceConfigLatency": "optimized", "serviceTier": "priority"}
    reply = client.invoke_model(**_asked(world), **chosen)
    # The endpoint sells no tiers, so the default one served.
    assert ("optimized", "default") == (reply["performanceConfigLatency"], reply["serviceTier"])
    streamed = client.invoke_model_with_response_stream(**_asked(world), **chosen)
    assert "optimized" == streamed["performanceConfigLatency"]
    assert "message_stop" == _events(streamed)[-1]["type"]


@pytest.mark.wire(DIALECT, WHOLE, "tools")
@pytest.mark.wire(DIALECT, STREAM, "tools")
def test_a_tool_is_called_and_its_result_answered(world: World) -> None:
    """A tool is called, streamed in pieces; its result, sent back, brings the answer in text."""
    client = world.bedrock()
    asked = f"Use weather. {world.mint.value('acme', 3)}"
    messages: list[dict[str, Any]] = [{"role": "user", "content": asked}]
    events = _events(client.invoke_model_with_response_stream(**_asked(world, messages=messages, tools=[WEATHER])))
    [block] = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    pieces = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    call = {**block, "input": json.loads("".join(pieces))}
    assert ("weather", {"city": "Tromsø 🦜\u2028"}) == (call["name"], call["input"])
    assert call["id"].startswith("toolu_bdrk_01")
    messages += [
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "rain"}]},
    ]
    reply = client.invoke_model(**_asked(world, messages=messages, tools=[WEATHER]))
    message = strict_message(reply["body"].read())
    assert ("bedrock", "whole") == read_reply(message.content[0].text, "acme-3")  # type: ignore[union-attr]


# --- errors ------------------------------------------------------------------------------------------------

_ERRORS: list[tuple[Refusal, str, int, int]] = [
    (Refusal("denied"), "AccessDeniedException", 403, 1),
    (Refusal("not-found"), "ResourceNotFoundException", 404, 1),
    (Refusal("throttled", retry_after_s=0.01), "ThrottlingException", 429, 3),
    (Refusal("timeout"), "ModelTimeoutException", 408, 1),
    (Refusal("internal", retry_after_s=0.01), "InternalServerException", 500, 3),
    (Refusal("unavailable", retry_after_s=0.01), "ServiceUnavailableException", 503, 3),
    (Refusal("invalid"), "ValidationException", 400, 1),
    (Refusal("overloaded", code="ModelNotReadyException", retry_after_s=0.01), "ModelNotReadyException", 429, 3),
    (Refusal("throttled", code="ServiceQuotaExceededException"), "ServiceQuotaExceededException", 400, 1),
    (Refusal("model-error"), "ModelErrorException", 424, 1),
]
_STREAM_ERRORS = [
    *_ERRORS,
    (Refusal("model-error", code="ModelStreamErrorException"), "ModelStreamErrorException", 424, 1),
]


@pytest.mark.parametrize(
    ("operation", "refusal", "code", "status", "attempts"),
    [
        pytest.param(operation, *row, id=f"{operation}-{row[1]}", marks=pytest.mark.wire(DIALECT, operation, row[1]))
        for operation, rows in ((WHOLE, _ERRORS), (STREAM, _STREAM_ERRORS))
        for row in rows
    ],
)
def test_refusals_are_boto3s_typed_errors(
    world: World, operation: str, refusal: Refusal, code: str, status: int, attempts: int
) -> None:
    """Each error of the service model is boto3's own exception, retried as boto3 would retry the real one."""
    active = world.fault("bedrock", RefuseBefore(refusal))
    client = world.bedrock()
    call = client.invoke_model if operation == WHOLE else client.invoke_model_with_response_stream
    with pytest.raises(getattr(client.exceptions, code)) as caught:
        call(**_asked(world))
    said = caught.value.response
    assert (code, status) == (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"])
    assert attempts == active.fired


@pytest.mark.wire(DIALECT, WHOLE, "ModelErrorException")
def test_a_models_failure_bears_the_models_status(world: World) -> None:
    """ModelErrorException has the status of the model behind the service among its members."""
    world.fault("bedrock", RefuseBefore(Refusal("model-error", "The model broke.", original_status=502)))
    client = world.bedrock()
    with pytest.raises(client.exceptions.ModelErrorException) as caught:
        client.invoke_model(**_asked(world))
    assert ("The model broke.", 502) == (caught.value.response["message"], caught.value.response["originalStatusCode"])


_WITHIN = {
    "throttled": "throttlingException",
    "unavailable": "serviceUnavailableException",
    "internal": "internalServerException",
    "model-error": "modelStreamErrorException",
    "timeout": "modelTimeoutException",
    "invalid": "validationException",
}


@pytest.mark.parametrize(
    ("kind", "code"),
    [pytest.param(kind, code, marks=pytest.mark.wire(DIALECT, STREAM, code)) for kind, code in _WITHIN.items()],
)
def test_a_refusal_within_the_stream_is_an_event_stream_error(world: World, kind: Any, code: str) -> None:
    """After the 200 an exception of the stream is an EventStreamError, in lower camel case, and never retried."""
    active = world.fault("bedrock", StopAfter(2, Refusal(kind, "why")))
    stream = world.bedrock().invoke_model_with_response_stream(**_asked(world))["body"]
    with pytest.raises(botocore.exceptions.EventStreamError) as caught:
        list(stream)
    assert {"Code": code, "Message": "why"} == caught.value.response["Error"]
    assert 1 == active.fired
    assert [("refused", kind, 200, 2)] == [(r.outcome, r.refusal, r.status, r.tokens) for r in world.seen()]


@pytest.mark.wire(DIALECT, STREAM, "cut")
def test_a_cut_stream_is_a_broken_transfer(world: World) -> None:
    """A connection closed in mid-stream breaks the chunked transfer under boto3."""
    world.fault("bedrock", StopAfter(2, Cut()))
    stream = world.bedrock().invoke_model_with_response_stream(**_asked(world))["body"]
    with pytest.raises(urllib3.exceptions.ProtocolError):
        list(stream)
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire(DIALECT, STREAM, "truncated")
def test_a_politely_truncated_stream_looks_whole(world: World) -> None:
    """boto3 ends its iteration without a word where message_stop is missing."""
    world.fault("bedrock", StopAfter(2, None))
    events = _events(world.bedrock().invoke_model_with_response_stream(**_asked(world)))
    assert ["message_start", "content_block_start", *["content_block_delta"] * 2] == [event["type"] for event in events]
    assert ["cut"] == [record.outcome for record in world.seen()]


@pytest.mark.wire(DIALECT, WHOLE, "validation")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"anthropic_version": ...}, "anthropic_version: Field required"),
        ({"anthropic_version": "v1"}, "Invalid API version: v1"),
        ({"max_tokens": ...}, "max_tokens: Field required"),
        ({"stream": True}, "stream: Extra inputs are not permitted"),
        ({"messages": []}, "messages: at least one message is required"),
    ],
)
def test_what_claude_rejects_is_a_validation_exception(world: World, changes: dict[str, Any], sentence: str) -> None:
    """Claude's own objection is the message of a ValidationException, and is not retried."""
    client = world.bedrock()
    with pytest.raises(client.exceptions.ValidationException) as caught:
        client.invoke_model(**_asked(world, **changes))
    assert sentence == caught.value.response["Error"]["Message"]
    assert 1 == len(world.seen())
