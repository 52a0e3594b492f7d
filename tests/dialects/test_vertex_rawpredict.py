"""``vertex-rawpredict``: what is Vertex's own about the wire: paths, versions, counting, and who answers for errors."""

import json
from typing import Any

import msgspec
import pytest

from brownout.dialects import dialect_named
from brownout.dialects.vertex_rawpredict import OPERATIONS, VERSIONS, VERTEX_RAWPREDICT
from brownout.wire import Ask, End, HttpReply, HttpRequest, Refusal, RefusalKind, Token
from tests.dialects.claude import CLAUDES, changed, read, refused_as, sent, streamed, strict_event

SERVER, CLIENT = VERTEX_RAWPREDICT.server, VERTEX_RAWPREDICT.client
MODEL = CLAUDES["vertex-rawpredict"]
REPLY_ID = "0123456789abcdef01234567"
WHERE = "/v1/projects/p-1/locations/us-east5/publishers/anthropic/models"


# --- requests ----------------------------------------------------------------------------------------------


def test_it_is_registered() -> None:
    """The dialect is known by its name, on Vertex's host."""
    assert dialect_named("vertex-rawpredict") is VERTEX_RAWPREDICT
    assert ("vertex", "google-oauth") == (VERTEX_RAWPREDICT.host, VERTEX_RAWPREDICT.auth)


@pytest.mark.parametrize(
    "path",
    [
        f"{WHERE}/{MODEL}:rawPredict",
        f"{WHERE}/claude-3-5-sonnet%4020240620:rawPredict",
        f"{WHERE}/{MODEL}%3ArawPredict",
        f"/v1beta1/projects/123/locations/global/publishers/anthropic/models/{MODEL}:rawPredict",
        f"/v1/projects/p-1/locations/eu/publishers/anthropic/models/{MODEL}:rawPredict",
    ],
)
def test_the_model_stands_in_the_path(path: str) -> None:
    """Regions, multi-regions and the global location, with the version's at-sign as it is or encoded."""
    request = msgspec.structs.replace(changed("vertex-rawpredict", {}), path=path)
    assert SERVER.owns(request)
    assert MODEL == SERVER.read_ask(request).model


@pytest.mark.parametrize(
    "path",
    [
        f"{WHERE}/{MODEL}:generateContent",
        "/v1/projects/p-1/locations/us-east5/publishers/google/models/gemini:rawPredict",
        "/v1/projects/p-1/locations/us-east5/endpoints/123:rawPredict",
        "/v1/messages",
    ],
)
def test_other_paths_are_not_its_own(path: str) -> None:
    """Raw calls on other publishers' models and other calls on Anthropic's are not this dialect's."""
    request = msgspec.structs.replace(changed("vertex-rawpredict", {}), path=path)
    assert not SERVER.owns(request)
    with pytest.raises(Refusal) as caught:
        SERVER.read_ask(request)
    assert "not-found" == caught.value.kind


@pytest.mark.parametrize(
    ("call", "stream", "expected"),
    [
        ("streamRawPredict", True, True),
        ("streamRawPredict", False, False),
        ("streamRawPredict", ..., False),
        ("rawPredict", False, False),
        ("rawPredict", True, False),
    ],
)
def test_path_and_body_together_ask_for_a_stream(call: str, stream: Any, expected: bool) -> None:  # noqa: FBT001
    """An answer is streamed by streamRawPredict with ``stream`` in the body."""
    request = changed("vertex-rawpredict", {"stream": stream})
    ask = SERVER.read_ask(msgspec.structs.replace(request, path=f"{WHERE}/{MODEL}:{call}"))
    assert expected is ask.stream


@pytest.mark.parametrize("version", VERSIONS)
def test_every_known_version_is_taken(version: str) -> None:
    """Google's version and those of Anthropic's clients are taken."""
    assert "hello" == SERVER.read_ask(changed("vertex-rawpredict", {"anthropic_version": version})).prompt


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"anthropic_version": ...}, "anthropic_version: Field required"),
        ({"anthropic_version": "v1"}, 'anthropic_version: "v1" is not a valid version'),
        ({"model": MODEL}, "model: Extra inputs are not permitted"),
        ({"max_tokens": ...}, "max_tokens: Field required"),
    ],
)
def test_the_models_own_objections_are_in_anthropics_words(change: dict[str, Any], sentence: str) -> None:
    """What the model rejects passes through the front end as it is, under an id of Vertex's."""
    with pytest.raises(Refusal) as caught:
        SERVER.read_ask(changed("vertex-rawpredict", change))
    reply = SERVER.refusal(caught.value, reply_id=REPLY_ID)
    assert (400, "req_vrtx_010123456789abcdef012345") == (reply.status, reply.headers["request-id"])
    assert {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": sentence},
        "request_id": "req_vrtx_010123456789abcdef012345",
    } == json.loads(reply.body)
    seen = CLIENT.refusal(reply)
    assert ("invalid", "invalid_request_error", sentence) == (seen.kind, seen.code, seen.message)


def test_a_model_of_its_own_counts_tokens() -> None:
    """count-tokens is called like a model; whose tokens are counted stands in the body, which needs no version."""
    ask = Ask(model=MODEL, prompt="hello", turn="hello", stream=False, count=True)
    request = sent(VERTEX_RAWPREDICT, ask)
    assert f"{WHERE}/count-tokens:rawPredict" == request.path
    assert ask == SERVER.read_ask(request)
    assert ask == SERVER.read_ask(changed("vertex-rawpredict", {"anthropic_version": ...}, count=True))
    assert {"input_tokens": 17} == json.loads(SERVER.counted(ask, 17, reply_id=REPLY_ID).body)


@pytest.mark.parametrize(
    ("headers", "tier"),
    [
        ({}, ""),
        ({"X-Vertex-AI-LLM-Request-Type": "dedicated"}, "dedicated"),
        ({"X-Vertex-AI-LLM-Request-Type": "shared"}, "shared"),
        ({"X-Vertex-AI-LLM-Shared-Request-Type": "priority"}, "priority"),
        (
            {"X-Vertex-AI-LLM-Request-Type": "shared", "X-Vertex-AI-LLM-Shared-Request-Type": "flex"},
            "shared,flex",
        ),
    ],
)
def test_headers_choose_the_capacity(headers: dict[str, str], tier: str) -> None:
    """The request type stands in headers, and is written there again by a caller."""
    request = changed("vertex-rawpredict", {})
    ask = SERVER.read_ask(msgspec.structs.replace(request, headers={**request.headers, **headers}))
    assert tier == ask.tier
    written = sent(VERTEX_RAWPREDICT, ask).headers
    assert headers == {name: value for name, value in written.items() if name.startswith("X-")}


# --- answers -----------------------------------------------------------------------------------------------


def test_a_stream_bears_vertexs_own_event() -> None:
    """After message_start comes ``vertex_event``, which no type of Anthropic's knows and every reader passes over."""
    events = [Token("a"), End(prompt_tokens=1, output_tokens=1)]
    stream = streamed(VERTEX_RAWPREDICT, events)  # type: ignore[arg-type]
    said = [event.split("\n") for event in stream.decode().removesuffix("\n\n").split("\n\n")]
    names = [name.removeprefix("event: ") for name, _ in said]
    assert [
        "message_start",
        "vertex_event",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ] == names
    data = {name: json.loads(line.removeprefix("data: ")) for name, (_, line) in zip(names, said, strict=True)}
    usage = data["vertex_event"]["usage"]
    assert usage["tiers"]["0-to-200000"]["input_tokens"] == usage["input_tokens"]
    assert data["message_start"]["message"]["id"].startswith("msg_vrtx_01")
    for name in set(names) - {"vertex_event", "ping"}:
        strict_event(json.dumps(data[name]).encode())
    assert events == read(VERTEX_RAWPREDICT, stream, [])


# --- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "status", "name"),
    [
        (Refusal("unauthenticated"), 401, "UNAUTHENTICATED"),
        (Refusal("denied"), 403, "PERMISSION_DENIED"),
        (Refusal("not-found"), 404, "NOT_FOUND"),
        (Refusal("throttled"), 429, "RESOURCE_EXHAUSTED"),
        (Refusal("invalid"), 400, "INVALID_ARGUMENT"),
        (Refusal("invalid", code="FAILED_PRECONDITION"), 400, "FAILED_PRECONDITION"),
        (Refusal("internal"), 500, "INTERNAL"),
        (Refusal("model-error"), 500, "UNKNOWN"),
        (Refusal("unavailable"), 503, "UNAVAILABLE"),
        (Refusal("overloaded", code="UNAVAILABLE"), 503, "UNAVAILABLE"),
        (Refusal("timeout"), 504, "DEADLINE_EXCEEDED"),
        (Refusal("timeout", code="CANCELLED"), 499, "CANCELLED"),
        (Refusal("invalid", code="invalid_request_error"), 400, "invalid_request_error"),
        (Refusal("throttled", code="rate_limit_error"), 429, "rate_limit_error"),
        (Refusal("internal", code="api_error"), 500, "api_error"),
        (Refusal("overloaded"), 529, "overloaded_error"),
    ],
    ids=lambda value: f"{value.kind}-{value.code}" if isinstance(value, Refusal) else None,
)
def test_every_error_is_in_the_words_of_who_answers(refusal: Refusal, status: int, name: str) -> None:
    """Google's errors are a Status, the model's own are Anthropic's; each comes back as its kind under its own name."""
    reply = SERVER.refusal(refusal, reply_id=REPLY_ID)
    seen = CLIENT.refusal(reply)
    assert (status, refusal.kind, name) == (reply.status, seen.kind, seen.code)
    assert name in OPERATIONS["rawPredict"]
    assert name.islower() is (json.loads(reply.body).get("type") == "error")


def test_the_table_of_errors_is_whole() -> None:
    """All three calls answer with the same errors."""
    assert 1 == len(set(OPERATIONS.values()))
    assert {"rawPredict", "streamRawPredict", "count-tokens:rawPredict"} == set(OPERATIONS)


def test_a_status_in_an_array_is_read() -> None:
    """Captures show the front end's error of a stream as an array of one; it is read the same."""
    error = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}
    seen = CLIENT.refusal(HttpReply(status=429, body=json.dumps([{"error": error}]).encode()))
    assert ("throttled", "Quota exceeded", "RESOURCE_EXHAUSTED") == (seen.kind, seen.message, seen.code)


@pytest.mark.parametrize("kind", ["throttled", "overloaded", "internal", "timeout"])
def test_errors_within_a_stream_are_anthropics(kind: RefusalKind) -> None:
    """After the 200 every error is an ``error`` event of Anthropic's, under an id of Vertex's."""
    frame = SERVER.writer(Ask(model=MODEL, prompt="p"), reply_id=REPLY_ID).refusal(Refusal(kind))
    assert frame.startswith(b"event: error\ndata: ")
    assert "req_vrtx_010123456789abcdef012345" == json.loads(frame.partition(b"data: ")[2])["request_id"]
    with pytest.raises(Refusal) as caught:
        CLIENT.reader().feed(frame)
    assert kind == caught.value.kind


def test_only_a_post_is_a_call() -> None:
    """Another method on a call's path is not found."""
    get = HttpRequest(method="GET", path=f"{WHERE}/{MODEL}:rawPredict")
    assert "not-found" == refused_as(lambda: SERVER.read_ask(get))
