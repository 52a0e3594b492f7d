"""Both halves of ``bedrock-converse`` agree with each other, and the endpoint's half with AWS's model."""

import base64
import json
from typing import Any

import botocore.eventstream
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.dialects.bedrock_converse import BEDROCK_CONVERSE
from brownout.dialects.converse_request import ConverseAsk
from brownout.dialects.models import objection
from brownout.dialects.structured import Frame
from brownout.wire import Answer, Ask, End, Event, HttpRequest, Token, Tool, ToolCall
from tests.dialects.rounds import (
    CALLS,
    COUNTS,
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

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
ENDS = st.builds(
    End,
    stop=st.sampled_from(["stop", "length", "stop-sequence", "tool", "filtered"]),
    prompt_tokens=COUNTS,
    output_tokens=COUNTS,
    tier=st.sampled_from(["default", "priority", "flex", "reserved"]),
    latency_s=st.integers(0, 10**6).map(lambda ms: ms / 1000),
)
PLAIN = Ask(model=MODEL, prompt="p")
GUARDED = ConverseAsk(model=MODEL, prompt="p", guardrail="gr1", guardrail_trace=True, latency="optimized", tier="flex")


def _post(body: object, *, call: str = "converse", model: str = MODEL) -> HttpRequest:
    return HttpRequest(method="POST", path=f"/model/{model}/{call}", body=msgspec.json.encode(body))


def _asked(**members: Any) -> Ask:
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]} | members
    return BEDROCK_CONVERSE.server.read_ask(_post(body))


def _user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def _assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


TOOL_CONFIG = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}
USE = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Bern"}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}, {"json": {"c": 21}}]}}

# --- requests ----------------------------------------------------------------------------------------------


@given(asks(tiers=["", "default", "priority", "flex", "reserved"]))
def test_a_request_reads_as_what_was_asked(ask: Ask) -> None:
    """The endpoint's half reads back exactly what the caller's half wrote, and AWS's model has nothing against it."""
    request = BEDROCK_CONVERSE.client.request(ask)
    assert None is objection("bedrock-runtime/Converse", msgspec.json.decode(request.body))
    assert ask == BEDROCK_CONVERSE.server.read_ask(request)


@given(
    st.sampled_from(["", "standard", "optimized"]),
    st.sampled_from(["", "gr1"]),
    st.booleans(),
    st.sampled_from([(), ("/stop_sequence",)]),
)
def test_what_the_reply_repeats_is_read(
    latency: str,
    guardrail: str,
    trace: bool,  # noqa: FBT001 - drawn
    fields: tuple[str, ...],
) -> None:
    """The performance asked for, the guardrail and the fields asked of the model's own reply are read."""
    told = {"latency": latency, "guardrail": guardrail, "guardrail_trace": trace and bool(guardrail)}
    ask = ConverseAsk(model=MODEL, prompt="p", turn="p", response_fields=fields, **told)
    got = BEDROCK_CONVERSE.server.read_ask(BEDROCK_CONVERSE.client.request(ask))
    if any(told.values()) or fields:
        assert ask == got
    else:
        assert Ask(model=MODEL, prompt="p", turn="p") == got


@given(SAID, st.booleans())
def test_a_count_reads_as_what_was_asked(prompt: str, tools: bool) -> None:  # noqa: FBT001 - drawn
    """CountTokens takes a conversation, with its tools."""
    offered = (Tool(name="weather"),) if tools else ()
    ask = Ask(model=MODEL, prompt=prompt, turn=prompt, stream=False, bounded=False, count=True, tools=offered)
    request = BEDROCK_CONVERSE.client.request(ask)
    assert None is objection("bedrock-runtime/CountTokens", msgspec.json.decode(request.body))
    assert ask == BEDROCK_CONVERSE.server.read_ask(request)


CLAUDES_OWN = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 9,
    "system": "one",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "two"}]}],
}


@pytest.mark.parametrize(
    ("model", "own", "prompt"),
    [
        (MODEL, CLAUDES_OWN, "one\ntwo"),
        ("amazon.nova-lite-v1:0", {"messages": [{"content": [{"text": "one"}]}, {"content": "two"}]}, "one\ntwo"),
        ("amazon.titan-text-lite-v1", {"inputText": "one", "textGenerationConfig": {"x": "y"}}, "one"),
    ],
)
def test_a_count_takes_a_models_own_body(model: str, own: dict[str, Any], prompt: str) -> None:
    """CountTokens takes an InvokeModel body, in base64, and finds its text whichever model's it is."""
    body = {"input": {"invokeModel": {"body": base64.b64encode(json.dumps(own).encode()).decode()}}}
    ask = BEDROCK_CONVERSE.server.read_ask(_post(body, call="count-tokens", model=model))
    assert (True, prompt) == (ask.count, ask.prompt)
    assert b'{"inputTokens":7}' == BEDROCK_CONVERSE.server.counted(ask, 7, reply_id="r-1").body


def test_all_text_of_a_request_is_its_prompt() -> None:
    """Text counts wherever it stands: system, documents, guarded content, reasoning, tools' results, search results."""
    blocks = [
        {"text": "b"},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"document": {"format": "txt", "name": "n", "source": {"text": "c"}}},
        {"guardContent": {"text": {"text": "d"}}},
        {"cachePoint": {"type": "default"}},
        {"searchResult": {"source": "s", "title": "t", "content": [{"text": "e"}]}},
    ]
    messages = [
        _user(*blocks),
        _assistant({"reasoningContent": {"reasoningText": {"text": "f"}}}, USE),
        _user(RESULT, {"text": "h"}),
    ]
    ask = _asked(system=[{"text": "a"}], messages=messages, toolConfig=TOOL_CONFIG, requestMetadata={"team": "x"})
    assert ["a", "b", "c", "d", "e", "f", "sunny", '{"c":21}', "h"] == ask.prompt.split("\n")
    assert "" == ask.turn  # the last message brings a tool's result


@pytest.mark.parametrize(
    ("choice", "expected"), [({"auto": {}}, ""), ({"any": {}}, "any"), ({"tool": {"name": "weather"}}, "weather")]
)
def test_each_choice_of_tool_is_read(choice: dict[str, Any], expected: str) -> None:
    """``auto``, ``any`` and one tool by name; the tools come with their schemas."""
    ask = _asked(toolConfig=TOOL_CONFIG | {"toolChoice": choice})
    assert (expected, (Tool(name="weather", schema={"type": "object"}),)) == (ask.tool_choice, ask.tools)


ALTERNATE = "A conversation must alternate between user and assistant roles."
REJECTED: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": "hi"}, "SerializationException", ""),
    ({"messages": [_user({"text": 3})]}, "SerializationException", ""),
    ({"messages": [_user({"text": "x", "image": {}})]}, "SerializationException", ""),
    ({"messages": [{"role": "narrator", "content": [{"text": "x"}]}]}, "ValidationException", "[user, assistant"),
    ({"messages": []}, "", "must start with a user message"),
    ({"messages": None}, "", "must start with a user message"),
    ({"messages": [_assistant({"text": "x"})]}, "", "must start with a user message"),
    ({"messages": [_user({"text": "x"}), _user({"text": "y"})]}, "", ALTERNATE),
    ({"messages": [_user()]}, "", "The content field in the Message object at messages.0 is empty."),
    ({"messages": [_user({"text": " "})]}, "", "messages.0.content.0 is blank"),
    ({"messages": [_user({"text": "x"}), _assistant(USE), _user(RESULT)]}, "", "The toolConfig field must be defined"),
    (
        {"messages": [_user({"text": "x"}), _assistant(USE), _user({"text": "y"})], "toolConfig": TOOL_CONFIG},
        "",
        "Expected toolResult blocks at messages.2.content for the following Ids: t1",
    ),
    ({"messages": [_user(RESULT)], "toolConfig": TOOL_CONFIG}, "", "messages.0.content exceeds the number of toolUse"),
    ({"toolConfig": TOOL_CONFIG | {"toolChoice": {"tool": {"name": "x"}}}}, "", "in toolChoice is none of the tools"),
    ({"toolConfig": {"tools": []}}, "ValidationException", "greater than or equal to 1"),
    ({"inferenceConfig": {"maxTokens": 0}}, "ValidationException", "greater than or equal to 1"),
    ({"inferenceConfig": {"maxTokens": "many"}}, "SerializationException", ""),
    ({"inferenceConfig": {"temperature": 1.5}}, "ValidationException", "less than or equal to 1"),
    ({"serviceTier": {"type": "gold"}}, "ValidationException", "priority, default, flex, reserved"),
    (
        {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}}},
        "",
        "is not valid",
    ),
    ({"additionalModelResponseFieldPaths": ["stop"]}, "", "is not a JSON Pointer"),
]


@pytest.mark.parametrize(("change", "code", "sentence"), REJECTED)
def test_what_bedrock_would_reject_is_rejected(change: dict[str, Any], code: str, sentence: str) -> None:
    """A body that the model or the service forbids is a 400 with AWS's name and words for it."""
    body = {"messages": [_user({"text": "hi"})]} | change
    refusal = refused(BEDROCK_CONVERSE, _post(body))
    assert refusal is not None
    assert ("invalid", code) == (refusal.kind, refusal.code)
    assert sentence in refusal.message
    assert 400 == BEDROCK_CONVERSE.server.refusal(refusal, reply_id="r-1").status


@pytest.mark.parametrize(
    ("model", "body", "sentence"),
    [
        ("us.anthropic.claude-3-haiku-20240307-v1:0", {"converse": {}}, "doesn't support counting tokens"),
        (MODEL, {"converse": {"messages": []}}, "must start with a user message"),
        (MODEL, {"invokeModel": {"body": "e30="}, "converse": {}}, "exactly one member"),
        ("amazon.nova-lite-v1:0", {"invokeModel": {"body": "aGk="}}, "Malformed input request"),
        (MODEL, {"invokeModel": {"body": "e30="}}, "anthropic_version"),
        (MODEL, {}, "exactly one member"),
    ],
)
def test_what_cannot_be_counted_is_rejected(model: str, body: dict[str, Any], sentence: str) -> None:
    """Tokens are counted for a foundation model, of a conversation or of a body that is JSON."""
    refusal = refused(BEDROCK_CONVERSE, _post({"input": body}, call="count-tokens", model=model))
    assert refusal is not None
    assert "invalid" == refusal.kind
    assert sentence in refusal.message


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5), st.data())
def test_no_body_breaks_an_endpoint(junk: object, data: st.DataObject) -> None:
    """Any JSON at all in any member of the body is read or refused; nothing else happens."""
    members = [
        "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "promptVariables", "serviceTier",
        "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "outputConfig",
    ]  # fmt: skip
    body = {"messages": [_user({"text": "x"})], data.draw(st.sampled_from(members)): junk}
    refusal = refused(BEDROCK_CONVERSE, _post(body))
    assert refusal is None or refusal.kind == "invalid"


@given(st.binary(max_size=60))
def test_no_bytes_break_an_endpoint(noise: bytes) -> None:
    """A body that is no JSON is a SerializationException."""
    request = HttpRequest(method="POST", path=f"/model/{MODEL}/converse", body=noise)
    refusal = refused(BEDROCK_CONVERSE, request)
    assert refusal is not None
    assert "invalid" == refusal.kind


@pytest.mark.parametrize(("method", "path"), [("GET", f"/model/{MODEL}/converse"), ("POST", "/model//converse")])
def test_another_path_or_method_is_not_found(method: str, path: str) -> None:
    """A path of another shape, or the right one by another method, is not found."""
    refusal = refused(BEDROCK_CONVERSE, HttpRequest(method=method, path=path))
    assert refusal is not None
    assert "not-found" == refusal.kind


# --- replies -----------------------------------------------------------------------------------------------


@given(TEXT, st.lists(CALLS, max_size=2).map(tuple), ENDS)
def test_a_whole_reply_reads_as_what_was_said(text: str, calls: tuple[ToolCall, ...], end: End) -> None:
    """A reply that is not streamed keeps its text, its tool calls, its stop reason, its cost, tier and latency."""
    answer = Answer(text=text, calls=calls, end=end)
    reply = whole(BEDROCK_CONVERSE, PLAIN, answer)
    assert None is objection("bedrock-runtime/Converse:output", msgspec.json.decode(reply.body))
    assert answer == BEDROCK_CONVERSE.client.answer(reply)


@given(TOKENS, st.lists(CALLS, max_size=2), ENDS, st.data())
def test_a_stream_reads_as_what_was_said(
    tokens: list[Token], calls: list[ToolCall], end: End, data: st.DataObject
) -> None:
    """A streamed reply keeps every token and call and its end, however the network splits it."""
    events: list[Event] = [*tokens, *calls, end]
    sent = stream(BEDROCK_CONVERSE, PLAIN, events)
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=8))
    assert events == read(BEDROCK_CONVERSE, sent, cuts)


@given(st.lists(st.one_of(TEXT.filter(bool).map(Token), CALLS), max_size=4), ENDS, st.sampled_from([PLAIN, GUARDED]))
def test_every_event_conforms_to_the_model(said: list[Event], end: End, ask: Ask) -> None:
    """AWS's own decoder reads every frame, its model has nothing against any, and blocks close in their order."""
    frames = botocore.eventstream.EventStreamBuffer()
    frames.add_data(stream(BEDROCK_CONVERSE, ask, [*said, end]))
    names, indices = [], []
    for frame in frames:
        payload = json.loads(frame.payload)
        assert payload.pop("p")
        names.append(frame.headers[":event-type"])
        assert None is objection(f"bedrock-runtime/ConverseStream:{names[-1]}", payload), (names[-1], payload)
        if names[-1] == "contentBlockStop":
            indices.append(payload["contentBlockIndex"])
    assert list(range(len(indices))) == indices
    assert ["messageStart", "messageStop", "metadata"] == [names[0], *names[-2:]]


def test_every_byte_boundary_is_a_fair_split_and_no_cut_is_whole() -> None:
    """Split at any byte a stream reads the same, and no proper beginning of it has an end."""
    call = ToolCall(id="t1", name="weather", arguments='{"city":"Zürich"}')
    events: list[Event] = [
        Token("hé"),
        Token("\r\n🦜"),
        call,
        End(stop="tool", prompt_tokens=3, output_tokens=2, tier="default"),
    ]
    sent = stream(BEDROCK_CONVERSE, PLAIN, events)
    for cut in range(len(sent)):
        assert events == read(BEDROCK_CONVERSE, sent, [cut])
        assert not any(is_end(event) for event in read(BEDROCK_CONVERSE, sent[:cut], []))
    assert events == read(BEDROCK_CONVERSE, sent, list(range(1, len(sent))))


def test_a_megabyte_is_like_a_word() -> None:
    """A token, a tool's arguments and a prompt of a megabyte each come through."""
    huge = "🦜" * 2**18
    call = ToolCall(id="t1", name="weather", arguments=json.dumps({"city": huge}, ensure_ascii=False))
    events: list[Event] = [Token(huge), call, End(stop="tool", tier="default")]
    assert events == read(BEDROCK_CONVERSE, stream(BEDROCK_CONVERSE, PLAIN, events), [2**19])
    ask = Ask(model=MODEL, prompt=huge, turn=huge)
    assert ask == BEDROCK_CONVERSE.server.read_ask(BEDROCK_CONVERSE.client.request(ask))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_a_refusal_or_nothing(noise: bytes, more: bytes) -> None:
    """Bytes of no dialect give no event, and raise nothing but an unknown refusal."""
    assert unread(BEDROCK_CONVERSE, noise, more) in {None, "unknown"}


def test_a_guardrail_intervenes_and_the_reply_repeats_what_was_asked() -> None:
    """A filtered answer is the guardrail's where one is named; tier, performance and trace are in the reply."""
    body = json.loads(whole(BEDROCK_CONVERSE, GUARDED, Answer(text="no", end=End(stop="filtered"))).body)
    assert None is objection("bedrock-runtime/Converse:output", body)
    told = (body["stopReason"], body["performanceConfig"]["latency"], body["serviceTier"]["type"])
    assert ("guardrail_intervened", "optimized", "default") == told
    assert ["no"] == body["trace"]["guardrail"]["modelOutput"]
    plain = json.loads(whole(BEDROCK_CONVERSE, PLAIN, Answer(text="no", end=End(stop="filtered"))).body)
    assert "content_filtered" == plain["stopReason"]
    assert not plain.keys() & {"trace", "performanceConfig"}


def test_the_models_own_fields_are_given_where_asked_for() -> None:
    """``/stop_sequence`` gives the sequence met, whole and streamed, and a field that is not there is passed over."""
    ask = ConverseAsk(model=MODEL, prompt="p", response_fields=("/stop_sequence", "/no/such/field"))
    end = End(stop="stop-sequence", stop_sequence="END", tier="default")
    reply = whole(BEDROCK_CONVERSE, ask, Answer(text="a", end=end))
    assert {"stop_sequence": "END"} == json.loads(reply.body)["additionalModelResponseFields"]
    assert end == BEDROCK_CONVERSE.client.answer(reply).end
    assert [Token("a"), end] == read(BEDROCK_CONVERSE, stream(BEDROCK_CONVERSE, ask, [Token("a"), end]), [])


def test_an_answer_is_put_into_the_document_asked_for() -> None:
    """A JSON schema makes the answer a document that holds the text, whole and streamed; a cut one is broken."""
    schema = {"type": "object", "properties": {"days": {"type": "integer"}, "summary": {"type": "string"}}}
    wanted = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}
    ask = _asked(outputConfig={"textFormat": wanted})
    streamed = read(BEDROCK_CONVERSE, stream(BEDROCK_CONVERSE, ask, [Token('a "q'), Token(" b"), End()]), [])
    text = "".join(event.text for event in streamed if isinstance(event, Token))
    assert {"days": 0, "summary": 'a "q b'} == json.loads(text)
    assert End(tier="default") == streamed[-1]
    assert text == BEDROCK_CONVERSE.client.answer(whole(BEDROCK_CONVERSE, ask, Answer(text='a "q b', end=End()))).text
    cut = BEDROCK_CONVERSE.client.answer(whole(BEDROCK_CONVERSE, ask, Answer(text="a", end=End(stop="length")))).text
    assert text.startswith(cut)
    assert not cut.endswith("}")


def test_a_tool_call_is_no_part_of_a_document() -> None:
    """A model that calls a tool writes no document."""
    ask = ConverseAsk(model=MODEL, prompt="p", document=Frame("{", "}", holds_text=True))
    call = ToolCall(id="t1", name="weather", arguments="{}")
    events: list[Event] = [call, End(stop="tool", tier="default")]
    assert events == read(BEDROCK_CONVERSE, stream(BEDROCK_CONVERSE, ask, events), [])


def test_a_stream_without_metadata_is_truncated() -> None:
    """End of stream between messageStop and metadata is not the end of the answer."""
    sent = stream(BEDROCK_CONVERSE, PLAIN, [Token("a"), End()])
    frames = botocore.eventstream.EventStreamBuffer()
    frames.add_data(sent)
    metadata_bytes = list(frames)[-1].prelude.total_length
    assert [Token("a")] == read(BEDROCK_CONVERSE, sent[:-metadata_bytes], [])


@settings(max_examples=25)
@given(st.integers(0, 2**31 - 1))
def test_a_count_is_read_back(tokens: int) -> None:
    """CountTokens' reply conforms to AWS's model and reads as an answer that cost so much."""
    reply = BEDROCK_CONVERSE.server.counted(PLAIN, tokens, reply_id="r-1")
    assert None is objection("bedrock-runtime/CountTokens:output", json.loads(reply.body))
    assert Answer(text="", end=End(prompt_tokens=tokens)) == BEDROCK_CONVERSE.client.answer(reply)
