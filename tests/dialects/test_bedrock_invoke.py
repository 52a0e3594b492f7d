"""``bedrock-invoke``: what is Bedrock's own about the wire: paths, versions, headers, chunk frames, exceptions."""

import base64
import json
from typing import Any

import botocore.eventstream
import botocore.loaders
import botocore.model
import botocore.parsers
import msgspec
import pytest

from brownout.dialects import dialect_named
from brownout.dialects.bedrock_errors import INVOKE_STREAM_EXCEPTIONS
from brownout.dialects.bedrock_invoke import BEDROCK_INVOKE, OPERATIONS, VERSIONS, InvokeAsk, counted_ask
from brownout.dialects.eventstream import encode_frame, encode_headers
from brownout.wire import Answer, Ask, End, HttpRequest, Refusal, RefusalKind, Token, ToolCall, gathered
from tests.dialects.claude import CLAUDES, changed, refused_as, sent, streamed, strict_event

SERVER, CLIENT = BEDROCK_INVOKE.server, BEDROCK_INVOKE.client
MODEL = CLAUDES["bedrock-invoke"]
ASK = Ask(model=MODEL, prompt="hello", turn="hello")
REPLY_ID = "0123456789abcdef01234567"


def _service() -> botocore.model.ServiceModel:
    description = botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2")
    return botocore.model.ServiceModel(description, "bedrock-runtime")


def _frames(stream: bytes) -> list[dict[str, Any]]:
    """Return a stream's events as botocore parses them."""
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(stream)
    parser = botocore.parsers.EventStreamJSONParser()
    shape = _service().shape_for("ResponseStream")
    return [parser.parse(frame.to_response_dict(), shape) for frame in buffer]


def _with_headers(request: HttpRequest, **headers: str) -> HttpRequest:
    named = {f"X-Amzn-Bedrock-{name.replace('_', '-')}": value for name, value in headers.items()}
    return msgspec.structs.replace(request, headers={**request.headers, **named})


# --- requests ----------------------------------------------------------------------------------------------


def test_it_is_registered() -> None:
    """The dialect is known by its name, on Bedrock's host, and bounds a body as the service model does."""
    assert dialect_named("bedrock-invoke") is BEDROCK_INVOKE
    assert ("bedrock", "sigv4") == (BEDROCK_INVOKE.host, BEDROCK_INVOKE.auth)
    assert BEDROCK_INVOKE.max_body_bytes == _service().shape_for("Body").metadata["max"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_its_errors_are_the_service_models(operation: str) -> None:
    """Every error that botocore's model gives an operation is in the table, and no other; the stream's too."""
    shape = _service().operation_model(operation)
    errors = {error.name for error in shape.error_shapes}
    if shape.has_event_stream_output:
        errors |= set(_service().shape_for("ResponseStream").members) - {"chunk"}
    assert errors == set(OPERATIONS[operation])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_known_version_is_taken(version: str) -> None:
    """AWS's version and those of Anthropic's clients are taken."""
    assert "hello" == SERVER.read_ask(changed("bedrock-invoke", {"anthropic_version": version})).prompt


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"anthropic_version": ...}, "anthropic_version: Field required"),
        ({"anthropic_version": MODEL}, f"Invalid API version: {MODEL}"),
        ({"model": MODEL}, "model: Extra inputs are not permitted"),
        ({"stream": True}, "stream: Extra inputs are not permitted"),
    ],
)
def test_what_the_platform_says_elsewhere_is_refused_in_the_body(change: dict[str, Any], sentence: str) -> None:
    """The version stands in the body; the model and whether to stream stand in the path, and only there."""
    with pytest.raises(Refusal) as caught:
        SERVER.read_ask(changed("bedrock-invoke", change))
    assert ("invalid", sentence) == (caught.value.kind, caught.value.message)
    reply = SERVER.refusal(caught.value, reply_id=REPLY_ID)
    assert (400, True) == (reply.status, reply.headers["x-amzn-ErrorType"].startswith("ValidationException:"))


def test_betas_stand_in_the_body() -> None:
    """``anthropic_beta`` in the body opens members that no model knows."""
    change = {"anthropic_beta": ["context-management-2025-06-27"], "context_management": {"edits": []}}
    assert "hello" == SERVER.read_ask(changed("bedrock-invoke", change)).prompt


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", MODEL, False),
        # Anthropic's own client leaves the colon as it is.
        ("/model/anthropic.claude-3-haiku-20240307-v1:0/invoke-with-response-stream", MODEL, True),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabcdefghijkl/invoke",
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
            False,
        ),
    ],
)
def test_the_path_says_the_model_and_whether_to_stream(path: str, model: str, stream: bool) -> None:  # noqa: FBT001
    """Identifiers are read from the path, encoded or not."""
    ask = SERVER.read_ask(msgspec.structs.replace(changed("bedrock-invoke", {}), path=path))
    assert (model, stream) == (ask.model, ask.stream)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"/model/{MODEL}/invoke"), ("POST", f"/model/{MODEL}/converse"), ("POST", "/model/invoke")],
)
def test_other_paths_and_methods_are_not_found(method: str, path: str) -> None:
    """What is no operation of this dialect is not found."""
    with pytest.raises(Refusal) as caught:
        SERVER.read_ask(msgspec.structs.replace(changed("bedrock-invoke", {}), method=method, path=path))
    assert "not-found" == caught.value.kind


def test_headers_choose_tier_and_performance() -> None:
    """The service tier and the performance asked for are read from headers, and written there by a caller."""
    ask = InvokeAsk(**msgspec.structs.asdict(ASK), performance="optimized")
    tiered = msgspec.structs.replace(ask, tier="priority")
    request = sent(BEDROCK_INVOKE, tiered)
    assert "priority" == request.headers["X-Amzn-Bedrock-Service-Tier"]
    assert tiered == SERVER.read_ask(request)


@pytest.mark.parametrize(
    "headers", [{"Service_Tier": "gold"}, {"PerformanceConfig_Latency": "fast"}, {"Trace": "yes"}], ids=str
)
def test_headers_are_held_against_the_service_model(headers: dict[str, str]) -> None:
    """A header's value that the service model does not name is a ValidationException."""
    with pytest.raises(Refusal, match="1 validation error detected") as caught:
        SERVER.read_ask(_with_headers(changed("bedrock-invoke", {}), **headers))
    assert "invalid" == caught.value.kind


def test_count_tokens_reads_the_same_body() -> None:
    """CountTokens' ``input.invokeModel.body`` is read, and rejected, as InvokeModel's body."""
    body = json.dumps(
        {"anthropic_version": VERSIONS[0], "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    )
    assert Ask(model=MODEL, prompt="x", turn="x", max_tokens=9, stream=False, count=True) == counted_ask(
        MODEL, body.encode()
    )
    with pytest.raises(Refusal, match="anthropic_version: Field required"):
        counted_ask(MODEL, b'{"messages":[]}')


# --- answers -----------------------------------------------------------------------------------------------


def test_a_whole_reply_tells_its_cost_in_headers() -> None:
    """Tokens, latency, the tier that served and the performance asked for stand in headers, and are read back."""
    end = End(prompt_tokens=16, output_tokens=337, latency_s=4.151, tier="default")
    ask = InvokeAsk(**msgspec.structs.asdict(ASK), performance="standard")
    reply = SERVER.reply(ask, gathered([Token("so"), end]), reply_id=REPLY_ID)
    named = {name.removeprefix("X-Amzn-Bedrock-"): value for name, value in reply.headers.items()}
    assert {
        "Input-Token-Count": "16",
        "Output-Token-Count": "337",
        "Invocation-Latency": "4151",
        "Service-Tier": "default",
        "PerformanceConfig-Latency": "standard",
        "Content-Type": "application/json",
    } == {name: value for name, value in named.items() if name != "x-amzn-RequestId"}
    assert Answer(text="so", end=end) == CLIENT.answer(reply)
    body = json.loads(reply.body)
    assert ("claude-3-haiku-20240307", "msg_bdrk_010123456789abcdef012345") == (body["model"], body["id"])
    assert "service_tier" not in body["usage"]


def test_a_plain_reply_names_no_tier() -> None:
    """Where no tier was asked for and none served, no header speaks of tiers."""
    assert not [name for name in SERVER.stream_headers(ASK, reply_id=REPLY_ID) if "Tier" in name or "Perf" in name]


def test_a_stream_says_what_its_chunks_are() -> None:
    """The stream's content type is AWS's, and the chunks' own stands in a header of its own."""
    headers = SERVER.stream_headers(msgspec.structs.replace(ASK, tier="flex"), reply_id=REPLY_ID)
    assert "application/vnd.amazon.eventstream" == headers["Content-Type"]
    assert ("application/json", "flex") == (
        headers["X-Amzn-Bedrock-Content-Type"],
        headers["X-Amzn-Bedrock-Service-Tier"],
    )


def test_botocore_reads_the_chunks_of_a_stream() -> None:
    """Every chunk holds one event of Anthropic's; the last bears the service's own figures; no ping is among them."""
    call = ToolCall(id="call_7", name="weather", arguments='{"city":"Oslo"}')
    end = End(stop="tool", prompt_tokens=16, output_tokens=3, latency_s=4.151, first_token_s=0.136)
    chunks = [frame["chunk"]["bytes"] for frame in _frames(streamed(BEDROCK_INVOKE, [Token("a"), call, end]))]
    said = [json.loads(chunk) for chunk in chunks]
    assert [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == [event["type"] for event in said]
    assert {
        "inputTokenCount": 16,
        "outputTokenCount": 3,
        "invocationLatency": 4151,
        "firstByteLatency": 136,
    } == said[-1].pop("amazon-bedrock-invocationMetrics")
    for event in said:
        strict_event(json.dumps(event).encode())


def test_chunks_are_padded() -> None:
    """Beside its bytes a chunk has padding, of different lengths, which every parser passes over."""
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(streamed(BEDROCK_INVOKE, [Token("a"), Token("the"), Token("x" * 40), End()]))
    payloads = [json.loads(frame.payload) for frame in buffer]
    assert {("bytes", "p")} == {tuple(payload) for payload in payloads}
    assert 3 < len({len(payload["p"]) for payload in payloads})
    assert b"message_start" in base64.b64decode(payloads[0]["bytes"])


# --- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", INVOKE_STREAM_EXCEPTIONS)
def test_each_exception_of_the_stream_is_parsed_by_botocore(kind: RefusalKind) -> None:
    """Every exception that the service model allows in the stream is a frame that botocore parses as that error."""
    frame = SERVER.writer(ASK, reply_id=REPLY_ID).refusal(Refusal(kind, "why", original_status=503))
    [parsed] = _frames(frame)
    assert (INVOKE_STREAM_EXCEPTIONS[kind], "why") == (parsed["Error"]["Code"], parsed["Error"]["Message"])
    with pytest.raises(Refusal) as caught:
        CLIENT.reader().feed(frame)
    assert INVOKE_STREAM_EXCEPTIONS[kind] == caught.value.code


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttled", "ServiceQuotaExceededException", 400),
        ("overloaded", "ModelNotReadyException", 429),
        ("model-error", "ModelStreamErrorException", 424),
    ],
)
def test_a_code_chooses_among_errors_of_one_kind(kind: RefusalKind, code: str, status: int) -> None:
    """The operation's errors that are no kind's usual one are had by their code."""
    reply = SERVER.refusal(Refusal(kind, code=code), reply_id=REPLY_ID)
    seen = CLIENT.refusal(reply)
    assert (status, kind, code) == (reply.status, seen.kind, seen.code)


def test_a_models_failure_keeps_the_models_own_status() -> None:
    """ModelErrorException bears the status of the model behind the service."""
    reply = SERVER.refusal(Refusal("model-error", original_status=502), reply_id=REPLY_ID)
    assert (424, 502) == (reply.status, CLIENT.refusal(reply).original_status)


def test_what_is_no_chunk_is_no_stream_of_this_dialect() -> None:
    """A chunk whose bytes are no base64 is refused as unknown."""
    headers = encode_headers({":event-type": "chunk", ":message-type": "event"})
    broken = encode_frame(headers, b'{"bytes":"?"}')
    assert "unknown" == refused_as(lambda: CLIENT.reader().feed(broken))
