"""Both halves of ``sagemaker-invoke`` agree with each other, and the endpoint's half with AWS's model."""

import datetime as dt
import json
from typing import Any

import botocore.eventstream
import msgspec
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import EventStreamJSONParser
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.eventstream import FrameDecoder
from brownout.dialects.models import objection
from brownout.dialects.sagemaker_containers import REFUSALS, InvocationAsk
from brownout.dialects.sagemaker_errors import ACCOUNT_ID
from brownout.dialects.sagemaker_invoke import (
    MAX_BODY_BYTES,
    OPERATIONS,
    SAGEMAKER_INVOKE,
    VARIANT,
    why_not_served,
)
from brownout.wire import Answer, Ask, End, Event, HttpReply, HttpRequest, Refusal, RefusalKind, Token, ToolCall
from tests.dialects.rounds import (
    CALLS,
    COUNTS,
    KINDS,
    SAID,
    TEXT,
    TOKENS,
    asks,
    is_end,
    read,
    refused,
    stream,
    unread,
    whole,
)

ENDPOINT = "llama-70b"
CHAT_ENDS = st.builds(
    End, stop=st.sampled_from(["stop", "length", "filtered"]), prompt_tokens=COUNTS, output_tokens=COUNTS
)
TGI_ENDS = st.builds(
    End, stop=st.sampled_from(["stop", "length", "stop-sequence"]), prompt_tokens=COUNTS, output_tokens=COUNTS
)
CHAT = Ask(model=ENDPOINT, prompt="p")
TGI = InvocationAsk(model=ENDPOINT, prompt="p", turn="p", container="tgi")
UTC = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MESSAGES = [{"role": "user", "content": "hi"}]


def _post(body: object, *, streams: bool = False, name: str = ENDPOINT, **headers: str) -> HttpRequest:
    operation = "invocations-response-stream" if streams else "invocations"
    named = {f"x-amzn-sagemaker-{key.replace('_', '-')}": value for key, value in headers.items()}
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpRequest(method="POST", path=f"/endpoints/{name}/{operation}", headers=named, body=raw)


def _asked(body: dict[str, Any], *, streams: bool = False, **headers: str) -> Ask:
    return SAGEMAKER_INVOKE.server.read_ask(_post(body, streams=streams, **headers))


def _parts(raw: bytes) -> list[bytes]:
    return [frame.payload for frame in FrameDecoder().feed(raw)]


# --- requests ----------------------------------------------------------------------------------------------


@given(asks(tiers=["", "default", "priority"]))
def test_a_request_reads_as_what_was_asked(ask: Ask) -> None:
    """The endpoint's half reads back exactly what the caller's half wrote; the path says whether it is streamed."""
    request = SAGEMAKER_INVOKE.client.request(ask)
    assert ask.stream == request.path.endswith("-response-stream")
    assert ask == SAGEMAKER_INVOKE.server.read_ask(request)


@given(SAID, st.booleans(), st.integers(1, 4096), st.lists(SAID, max_size=4).map(tuple), st.booleans())
def test_a_request_in_tgis_shape_reads_as_what_was_asked(
    prompt: str,
    stream: bool,  # noqa: FBT001 - drawn
    max_tokens: int,
    stops: tuple[str, ...],
    full_text: bool,  # noqa: FBT001 - drawn
) -> None:
    """TGI's own shape keeps prompt, bound and stops."""
    ask = InvocationAsk(
        model=ENDPOINT,
        prompt=prompt,
        turn=prompt,
        container="tgi",
        stream=stream,
        max_tokens=max_tokens,
        stops=stops,
        full_text=full_text and not stream,
    )
    assert ask == SAGEMAKER_INVOKE.server.read_ask(SAGEMAKER_INVOKE.client.request(ask))


def test_an_inference_component_is_part_of_the_model() -> None:
    """The component's header makes the model's name, on both halves."""
    ask = Ask(model=f"{ENDPOINT}/copy-1", prompt="p", turn="p")
    request = SAGEMAKER_INVOKE.client.request(ask)
    assert "copy-1" == request.headers["X-Amzn-SageMaker-Inference-Component"]
    assert ask == SAGEMAKER_INVOKE.server.read_ask(request)


@pytest.mark.parametrize(
    ("asked", "model", "sentence"),
    [
        ("other", ENDPOINT, f"Endpoint other of account {ACCOUNT_ID} not found."),
        ("other/c", ENDPOINT, f"Endpoint other of account {ACCOUNT_ID} not found."),
        (ENDPOINT, f"{ENDPOINT}/c", "Inference Component Name header is required"),
        (f"{ENDPOINT}/d", f"{ENDPOINT}/c", "Inference Component d"),
        (f"{ENDPOINT}/d", ENDPOINT, "Inference Component d"),
    ],
)
def test_what_an_endpoint_does_not_serve_is_a_validation_error(asked: str, model: str, sentence: str) -> None:
    """An unknown endpoint, a missing component and an unknown one each have SageMaker's sentence."""
    assert None is why_not_served(model, model)
    refusal = why_not_served(model, asked)
    assert refusal is not None
    reply = SAGEMAKER_INVOKE.server.refusal(refusal, reply_id="r-1")
    assert (400, "ValidationError") == (reply.status, reply.headers["x-amzn-ErrorType"].partition(":")[0])
    assert json.loads(reply.body)["Message"].startswith(sentence)


def test_containers_take_arguments_that_openai_has_not() -> None:
    """A body need not name a model, and may hold arguments of the container's own."""
    ask = _asked({"messages": MESSAGES, "top_k": 3, "ignore_eos": True, "max_tokens": 9})
    assert (ENDPOINT, 9, False) == (ask.model, ask.max_tokens, ask.stream)
    assert type(ask) is Ask


REJECTED: list[tuple[Any, int]] = [
    ({}, 422),
    ([], 422),
    (b"{", 422),
    (b"\xff", 422),
    (b"[" * 100_000, 422),
    ({"messages": []}, 400),
    ({"messages": [{"role": "narrator", "content": "x"}]}, 400),
    ({"messages": MESSAGES, "temperature": 3}, 400),
    ({"inputs": 3}, 422),
    ({"inputs": ""}, 422),
    ({"inputs": "x", "parameters": {"max_new_tokens": 0}}, 422),
    ({"inputs": "x", "parameters": {"max_new_tokens": "9"}}, 422),
    ({"inputs": "x", "parameters": {"temperature": 0.0}}, 422),
    ({"inputs": "x", "parameters": {"top_p": 1.0}}, 422),
    ({"inputs": "x", "parameters": {"stop": ["a", "b", "c", "d", "e"]}}, 422),
]


@pytest.mark.parametrize(("body", "status"), REJECTED)
def test_what_the_container_would_refuse_is_a_model_error(body: Any, status: int) -> None:
    """SageMaker reads no body: the container's 4xx comes as ModelError 424, with its status and its words."""
    refusal = refused(SAGEMAKER_INVOKE, _post(body))
    assert refusal is not None
    reply = SAGEMAKER_INVOKE.server.refusal(refusal, reply_id="r-1")
    said = json.loads(reply.body)
    assert (424, status, "CLIENT_ERROR_FROM_MODEL") == (reply.status, said["OriginalStatusCode"], said["ErrorCode"])
    assert said["OriginalMessage"] in said["Message"]
    got = SAGEMAKER_INVOKE.client.refusal(reply)
    assert ("invalid", status, "ModelError") == (got.kind, got.original_status, got.code)


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("a" * 64, {}),
        ("my.endpoint", {}),
        (ENDPOINT, {"custom_attributes": "x" * 1025}),
        (ENDPOINT, {"target_variant": "Blue"}),
        (ENDPOINT, {"target_variant": "-x"}),
        (ENDPOINT, {"session_id": "-"}),
    ],
)
def test_what_sagemaker_would_refuse_is_a_validation_error(name: str, headers: dict[str, str]) -> None:
    """A name or header that the service model forbids, or an unknown variant, is a ValidationError."""
    refusal = refused(SAGEMAKER_INVOKE, _post({"messages": MESSAGES}, name=name, **headers))
    assert refusal is not None
    assert ("invalid", "") == (refusal.kind, refusal.code)
    assert 400 == SAGEMAKER_INVOKE.server.refusal(refusal, reply_id="r-1").status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["messages", "inputs", "parameters", "stream", "tools", "model"]), JSON, st.booleans())
def test_no_body_breaks_an_endpoint(member: str, junk: object, tgi: bool) -> None:  # noqa: FBT001 - drawn
    """Any JSON at all in any member is read or refused; nothing else happens."""
    base: dict[str, Any] = {"inputs": "x"} if tgi else {"messages": MESSAGES}
    refusal = refused(SAGEMAKER_INVOKE, _post(base | {member: junk}))
    assert refusal is None or "invalid" == refusal.kind


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/endpoints/{ENDPOINT}/invocations"),
        ("POST", f"/endpoints/{ENDPOINT}/async-invocations"),
        ("POST", "/endpoints//invocations"),
    ],
)
def test_another_path_or_method_is_not_found(method: str, path: str) -> None:
    """A path of another shape, or the right one by another method, is no operation."""
    refusal = refused(SAGEMAKER_INVOKE, HttpRequest(method=method, path=path, body=b"{}"))
    assert refusal is not None
    reply = SAGEMAKER_INVOKE.server.refusal(refusal, reply_id="r-1")
    assert ("not-found", 404) == (refusal.kind, reply.status)


# --- replies -----------------------------------------------------------------------------------------------


@given(TEXT, st.lists(CALLS, max_size=2), CHAT_ENDS)
def test_a_whole_reply_reads_as_what_was_said(text: str, calls: list[ToolCall], end: End) -> None:
    """A chat completion keeps its text, calls, stop reason and cost."""
    end = msgspec.structs.replace(end, stop="tool") if calls else end
    answer = Answer(text=text, end=end, calls=tuple(calls))
    reply = whole(SAGEMAKER_INVOKE, CHAT, answer)
    assert answer == SAGEMAKER_INVOKE.client.answer(reply)
    assert (VARIANT, "application/json") == (
        reply.headers["x-Amzn-Invoked-Production-Variant"],
        reply.headers["Content-Type"],
    )


@given(TEXT, TGI_ENDS)
def test_a_whole_reply_in_tgis_shape_reads_as_what_was_said(text: str, end: End) -> None:
    """TGI's reply is a list of one; with details it keeps stop reason and output tokens."""
    answer = Answer(text=text, end=end)
    reply = whole(SAGEMAKER_INVOKE, TGI, answer)
    assert [text] == [one["generated_text"] for one in json.loads(reply.body)]
    assert answer == SAGEMAKER_INVOKE.client.answer(reply)


def test_without_details_tgis_text_is_all() -> None:
    """A reply without details has text only, and is whole: nothing of it can be missing."""
    ask = _asked({"inputs": "p", "parameters": {"max_new_tokens": 4}})
    reply = whole(SAGEMAKER_INVOKE, ask, Answer(text="a", end=End(stop="length", output_tokens=4)))
    assert [{"generated_text": "a"}] == json.loads(reply.body)
    assert Answer(text="a", end=End(counted=False)) == SAGEMAKER_INVOKE.client.answer(reply)


def test_tgi_gives_prompt_and_stop_sequence_where_it_does() -> None:
    """``return_full_text`` puts the prompt first, and the sequence that ended the text stays in it."""
    ask = _asked({"inputs": "p ", "parameters": {"return_full_text": True, "stop": ["STOP"]}})
    end = End(stop="stop-sequence", stop_sequence="STOP")
    assert [{"generated_text": "p aSTOP"}] == json.loads(whole(SAGEMAKER_INVOKE, ask, Answer(text="a", end=end)).body)
    events = read(SAGEMAKER_INVOKE, stream(SAGEMAKER_INVOKE, TGI, [Token("a"), end]), [])
    assert [Token("a"), Token("STOP"), End(stop="stop-sequence")] == events


@given(TOKENS, st.lists(CALLS, max_size=2), CHAT_ENDS, st.data())
def test_a_stream_reads_as_what_was_said(
    tokens: list[Token], calls: list[ToolCall], end: End, data: st.DataObject
) -> None:
    """A streamed chat completion keeps every token and call and its end, however the network splits it."""
    end = msgspec.structs.replace(end, stop="tool") if calls else end
    events: list[Event] = [*tokens, *calls, end]
    raw = stream(SAGEMAKER_INVOKE, CHAT, events)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    assert events == read(SAGEMAKER_INVOKE, raw, cuts)


@given(TOKENS, TGI_ENDS, st.data())
def test_a_stream_in_tgis_shape_reads_as_what_was_said(tokens: list[Token], end: End, data: st.DataObject) -> None:
    """TGI's stream keeps every token and its end, however the network splits it."""
    events: list[Event] = [*tokens, end]
    raw = stream(SAGEMAKER_INVOKE, TGI, events)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    assert events == read(SAGEMAKER_INVOKE, raw, cuts)


EVENTS: list[Event] = [Token("hé"), Token("\r\n🦜"), Token("data: [DONE]\n\n"), End(stop="length", output_tokens=2)]


@pytest.mark.parametrize("ask", [CHAT, TGI], ids=["chat", "tgi"])
def test_every_byte_boundary_is_a_fair_split(ask: Ask) -> None:
    """Split in two at any byte, or fed a byte at a time, a stream reads the same."""
    raw = stream(SAGEMAKER_INVOKE, ask, EVENTS)
    for cut in range(len(raw) + 1):
        assert EVENTS == read(SAGEMAKER_INVOKE, raw, [cut])
    assert EVENTS == read(SAGEMAKER_INVOKE, raw, list(range(1, len(raw))))


@pytest.mark.parametrize("ask", [CHAT, TGI], ids=["chat", "tgi"])
def test_a_stream_without_the_containers_terminator_is_truncated(ask: Ask) -> None:
    """The frames have no terminator of their own: no proper beginning of a stream gives an end."""
    raw = stream(SAGEMAKER_INVOKE, ask, [Token("a"), Token("b"), End()])
    for length in range(len(raw)):
        assert not any(is_end(event) for event in read(SAGEMAKER_INVOKE, raw[:length], []))


@pytest.mark.parametrize("ask", [CHAT, TGI], ids=["chat", "tgi"])
def test_a_token_of_a_megabyte_survives(ask: Ask) -> None:
    """Length alone breaks nothing."""
    events: list[Event] = [Token('"\\\n🦜' * 200_000), End()]
    raw = stream(SAGEMAKER_INVOKE, ask, events)
    assert events == read(SAGEMAKER_INVOKE, raw, list(range(0, len(raw), 65_536)))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_a_refusal_or_nothing(noise: bytes, more: bytes) -> None:
    """Bytes of no dialect give no event, and raise nothing but an unknown refusal."""
    assert unread(SAGEMAKER_INVOKE, noise, more) in {None, "unknown"}


@pytest.mark.parametrize("ask", [CHAT, TGI], ids=["chat", "tgi"])
def test_parts_split_the_containers_lines(ask: Ask) -> None:
    """Some part ends within an event, inside its JSON; together the parts are the container's bytes."""
    parts = _parts(stream(SAGEMAKER_INVOKE, ask, [*[Token(f" w{n}") for n in range(64)], End()]))
    split = [part for part in parts if not part.endswith(b"\n\n")]
    assert 0 < len(split) < 20
    assert all(part.startswith(b"data:") and b"{" in part for part in split)
    lines = b"".join(parts).split(b"\n\n")[:-1]
    payloads = [line.removeprefix(b"data:").strip() for line in lines]
    assert all(json.loads(payload) for payload in payloads if payload != b"[DONE]")


def test_botocore_reads_every_frame() -> None:
    """AWS's own parser takes every frame of a stream for the event that the service model says it is."""
    shape = ServiceModel(Loader().load_service_model("sagemaker-runtime", "service-2")).shape_for("ResponseStream")
    raw = stream(SAGEMAKER_INVOKE, CHAT, EVENTS) + SAGEMAKER_INVOKE.server.writer(CHAT, reply_id="r").refusal(
        Refusal("timeout")
    )
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(raw)
    *parts, last = [EventStreamJSONParser().parse(event.to_response_dict(), shape) for event in buffer]
    assert {"PayloadPart"} == {name for part in parts for name in part if name != "ResponseMetadata"}
    assert b"".join(_parts(raw)[:-1]) == b"".join(part["PayloadPart"]["Bytes"] for part in parts)
    assert "ModelStreamError" == last["Error"]["Code"]


# --- the four ways to ask ----------------------------------------------------------------------------------


def test_a_whole_invocation_of_a_streaming_body_gives_all_events_at_once() -> None:
    """InvokeEndpoint with ``stream: true``: the container streams, SageMaker waits and passes all of it on."""
    ask = _asked({"messages": MESSAGES, "stream": True})
    assert not ask.stream
    reply = whole(SAGEMAKER_INVOKE, ask, Answer(text="a b", end=End(output_tokens=2)))
    assert ("text/event-stream", True) == (reply.headers["Content-Type"], reply.body.endswith(b"data: [DONE]\n\n"))


def test_a_streamed_invocation_of_a_whole_body_gives_it_in_one_part() -> None:
    """InvokeEndpointWithResponseStream without ``stream``: the container's JSON comes in a PayloadPart."""
    ask = _asked({"messages": MESSAGES}, streams=True)
    assert not ask.stream
    reply = whole(SAGEMAKER_INVOKE, ask, Answer(text="a b", end=End(output_tokens=2)))
    assert ("application/vnd.amazon.eventstream", "application/json") == (
        reply.headers["Content-Type"],
        reply.headers["X-Amzn-SageMaker-Content-Type"],
    )
    (part,) = _parts(reply.body)
    assert "a b" == json.loads(part)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("streams", [False, True])
def test_attributes_and_sessions_come_back(streams: bool) -> None:  # noqa: FBT001 - drawn
    """Custom attributes are repeated; a new session has an id and an end, of the service model's form."""
    body = {"messages": MESSAGES, "stream": streams}
    new = {} if streams else {"session_id": "NEW_SESSION"}
    request = _post(body, streams=streams, custom_attributes="c=1", target_variant=VARIANT, **new)
    request = msgspec.structs.replace(request, headers={**request.headers, "x-amz-date": "20260101T000000Z"})
    ask = SAGEMAKER_INVOKE.server.read_ask(request)
    if streams:
        headers = SAGEMAKER_INVOKE.server.stream_headers(ask, reply_id="r-1")
    else:
        headers = whole(SAGEMAKER_INVOKE, ask, Answer(text="a", end=End())).headers
        session = headers["X-Amzn-SageMaker-New-Session-Id"]
        assert session.endswith("; Expires=2026-01-01T00:20:00Z")
        assert 36 == len(session.partition(";")[0])
    assert "c=1" == headers["X-Amzn-SageMaker-Custom-Attributes"]


def test_a_reply_too_long_to_pass_on_is_a_model_error() -> None:
    """A whole reply over 6 MiB is refused."""
    with pytest.raises(Refusal) as caught:
        whole(SAGEMAKER_INVOKE, CHAT, Answer(text="x" * MAX_BODY_BYTES, end=End()))
    assert "model-error" == caught.value.kind


def test_nobody_is_told_what_is_left() -> None:
    """SageMaker has no headers for quotas, and no operation that counts."""
    assert {} == SAGEMAKER_INVOKE.server.standing({}, utc=UTC)
    with pytest.raises(Refusal):
        SAGEMAKER_INVOKE.server.counted(CHAT, 1, reply_id="r-1")


# --- refusals ----------------------------------------------------------------------------------------------

MODELLED = {
    "InternalDependencyException",
    "InternalFailure",
    "ModelError",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ValidationError",
}
ERRORS: list[tuple[Refusal, int, str, RefusalKind, int | None]] = [
    (Refusal("throttled"), 400, "ThrottlingException", "throttled", None),
    (Refusal("throttled", code="TooManyRequestsException"), 429, "ThrottlingException", "throttled", None),
    (Refusal("unavailable"), 503, "ServiceUnavailable", "unavailable", None),
    (Refusal("internal"), 500, "InternalFailure", "internal", None),
    (Refusal("internal", code="InternalDependencyException"), 530, "InternalDependencyException", "internal", None),
    (Refusal("overloaded"), 424, "ModelError", "overloaded", 429),
    (Refusal("overloaded", original_status=503), 424, "ModelError", "overloaded", 503),
    (Refusal("overloaded", code="ModelNotReadyException"), 429, "ModelNotReadyException", "overloaded", None),
    (Refusal("timeout"), 424, "ModelError", "timeout", 0),
    (Refusal("model-error"), 424, "ModelError", "model-error", 500),
    (Refusal("model-error", original_status=424), 424, "ModelError", "model-error", 424),
    (Refusal("model-error", code="StreamBroken"), 424, "ModelError", "model-error", 500),
    (Refusal("model-error", original_status=429), 424, "ModelError", "overloaded", 429),
    (Refusal("invalid"), 400, "ValidationError", "invalid", None),
    (Refusal("invalid", code="ModelError", original_status=422), 424, "ModelError", "invalid", 422),
    (Refusal("not-found"), 400, "ValidationError", "not-found", None),
    (Refusal("denied"), 403, "AccessDeniedException", "denied", None),
    (Refusal("unauthenticated"), 403, "UnrecognizedClientException", "unauthenticated", None),
    (Refusal("unauthenticated", code="ExpiredTokenException"), 403, "ExpiredTokenException", "unauthenticated", None),
    (
        Refusal("unauthenticated", code="InvalidSignatureException"),
        403,
        "InvalidSignatureException",
        "unauthenticated",
        None,
    ),
    (Refusal("too-large"), 413, "", "too-large", None),
]


@pytest.mark.parametrize(("refusal", "status", "name", "kind", "original"), ERRORS)
def test_each_documented_error_is_written_and_read(
    refusal: Refusal, status: int, name: str, kind: RefusalKind, original: int | None
) -> None:
    """Every error has AWS's status and name and conforms to the service model, and is read as the kind it is."""
    reply = SAGEMAKER_INVOKE.server.refusal(refusal, reply_id="r-1")
    assert (status, name) == (reply.status, reply.headers.get("x-amzn-ErrorType", "").partition(":")[0])
    got = SAGEMAKER_INVOKE.client.refusal(reply)
    assert (kind, name, original) == (got.kind, got.code, got.original_status)
    if name in MODELLED:
        said = json.loads(reply.body)
        said.pop("ErrorCode", None)  # on the wire, and not in the model
        assert None is objection(f"sagemaker-runtime/{name}", said)


def test_throttling_has_no_sentence() -> None:
    """What throttles stands before the service: its message is null, in lower case."""
    assert b'{"message":null}' == SAGEMAKER_INVOKE.server.refusal(Refusal("throttled"), reply_id="r-1").body


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_a_model_error_wraps_what_the_container_said(status: int) -> None:
    """The sentence names the container's status and repeats its words, as the service's does."""
    reply = SAGEMAKER_INVOKE.server.refusal(Refusal("model-error", original_status=status), reply_id="r-1")
    side = "client" if 400 <= status < 500 else "server"
    expected = f'Received {side} error ({status}) from primary with message "{REFUSALS[status]}".'
    assert expected == json.loads(reply.body)["Message"]


def test_a_model_error_points_to_the_endpoints_logs() -> None:
    """Told the request, a ModelError names the log group of its endpoint, in the region that was signed for."""
    request = msgspec.structs.replace(
        _post({"messages": MESSAGES}),
        headers={"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/sagemaker/aws4_request, x"},
    )
    server: Any = SAGEMAKER_INVOKE.server
    said = json.loads(server.refusal(Refusal("model-error"), reply_id="r-1", request=request).body)
    assert f"arn:aws:logs:eu-west-1:{ACCOUNT_ID}:log-group:/aws/sagemaker/Endpoints/{ENDPOINT}" == said["LogStreamArn"]
    assert f"in account {ACCOUNT_ID} for more information." in said["Message"]


@given(st.sampled_from(KINDS), st.one_of(st.none(), st.integers(0, 600_000)))
def test_a_refusal_keeps_its_kind_and_its_wait(kind: RefusalKind, wait_ms: int | None) -> None:
    """A refusal crosses the wire with its kind, and when to come back is never earlier than was said."""
    wait_s = None if wait_ms is None else wait_ms / 1000
    reply = SAGEMAKER_INVOKE.server.refusal(Refusal(kind, retry_after_s=wait_s), reply_id="r-1")
    got = SAGEMAKER_INVOKE.client.refusal(reply)
    assert (kind, reply.status, wait_s is None) == (got.kind, got.status, got.retry_after_s is None)
    assert (wait_s or 0) <= (got.retry_after_s or 0) + 1e-9


NAMED_BY_SENTENCE = {"unknown", "not-found"}


@given(st.sampled_from([kind for kind in KINDS if kind not in NAMED_BY_SENTENCE]), SAID)
def test_a_refusal_keeps_its_sentence(kind: RefusalKind, message: str) -> None:
    """A sentence of the refusal's own replaces the usual one; of a ModelError it is the container's."""
    got = SAGEMAKER_INVOKE.client.refusal(SAGEMAKER_INVOKE.server.refusal(Refusal(kind, message), reply_id="r-1"))
    assert (kind, message) == (got.kind, got.message)


@pytest.mark.parametrize("ask", [CHAT, TGI], ids=["chat", "tgi"])
@given(kind=st.sampled_from(KINDS), tokens=TOKENS)
def test_a_refusal_within_a_stream_keeps_its_kind(ask: Ask, kind: RefusalKind, tokens: list[Token]) -> None:
    """An error after the 200 is raised by the reader, as the kind it is."""
    writer = SAGEMAKER_INVOKE.server.writer(ask, reply_id="r-1")
    reader = SAGEMAKER_INVOKE.client.reader()
    assert list(tokens) == reader.feed(writer.start() + b"".join(writer.event(token) for token in tokens))
    with pytest.raises(Refusal) as caught:
        reader.feed(writer.refusal(Refusal(kind)))
    assert kind == caught.value.kind


@pytest.mark.parametrize(
    ("refusal", "name", "word", "kind"),
    [
        (Refusal("timeout"), "ModelStreamError", "ModelInvocationTimeExceeded", "timeout"),
        (Refusal("model-error", code="StreamBroken"), "ModelStreamError", "StreamBroken", "model-error"),
        (Refusal("model-error", code="ModelStreamError"), "ModelStreamError", "StreamBroken", "model-error"),
        (Refusal("internal"), "InternalStreamFailure", None, "internal"),
    ],
)
def test_the_streams_own_exceptions_are_the_models(
    refusal: Refusal, name: str, word: str | None, kind: RefusalKind
) -> None:
    """The two exceptions that the service model allows in a stream, with their error codes."""
    (frame,) = FrameDecoder().feed(SAGEMAKER_INVOKE.server.writer(CHAT, reply_id="r-1").refusal(refusal))
    said = json.loads(frame.payload)
    assert (name, word) == (frame.headers[":exception-type"], said.get("ErrorCode"))
    assert None is objection(f"sagemaker-runtime/{name}", said)
    with pytest.raises(Refusal) as caught:
        read(SAGEMAKER_INVOKE, SAGEMAKER_INVOKE.server.writer(CHAT, reply_id="r-1").refusal(refusal), [])
    assert (kind, word or name) == (caught.value.kind, caught.value.code)


def test_a_containers_own_failure_is_in_its_bytes() -> None:
    """A container that fails in mid-stream says so in its own stream, each in its way."""
    refusal = Refusal("model-error", "CUDA out of memory.")
    (vllm,) = _parts(SAGEMAKER_INVOKE.server.writer(CHAT, reply_id="r-7").refusal(refusal))
    (tgi,) = _parts(SAGEMAKER_INVOKE.server.writer(TGI, reply_id="r-7").refusal(refusal))
    assert 500 == json.loads(vllm.removeprefix(b"data:"))["error"]["code"]
    assert "generation" == json.loads(tgi.removeprefix(b"data:"))["error_type"]


@given(st.integers(300, 599), st.binary(max_size=60), st.dictionaries(TEXT, TEXT, max_size=3))
def test_reading_a_refusal_never_raises(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever a broken middlebox sends, the caller gets a refusal with its status."""
    assert status == SAGEMAKER_INVOKE.client.refusal(HttpReply(status=status, headers=headers, body=body)).status


@pytest.mark.parametrize(("operation", "names"), OPERATIONS.items())
def test_every_error_of_the_service_model_is_promised(operation: str, names: tuple[str, ...]) -> None:
    """`OPERATIONS` holds every error that botocore's model gives the operation."""
    model = ServiceModel(Loader().load_service_model("sagemaker-runtime", "service-2")).operation_model(operation)
    assert {shape.name for shape in model.error_shapes} <= set(names)
