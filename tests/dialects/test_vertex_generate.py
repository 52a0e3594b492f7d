"""Both halves of ``vertex-generate`` agree with each other, and the endpoint's half with Google's documents."""

import json
import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.json_array import JsonArraySplitter
from brownout.dialects.models import objection
from brownout.dialects.vertex_generate import VERTEX_GENERATE
from brownout.dialects.vertex_request import ComputeAsk, GenerateAsk
from brownout.wire import Answer, Ask, End, Event, HttpReply, HttpRequest, Token, Tool, ToolCall
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

MODEL = "gemini-2.0-flash"
TRAFFIC = ["ON_DEMAND", "ON_DEMAND_PRIORITY", "ON_DEMAND_FLEX", "ON_DEMAND_OFFPEAK", "PROVISIONED_THROUGHPUT"]
PLAIN = Ask(model=MODEL, prompt="p")
ARRAY = GenerateAsk(model=MODEL, prompt="p", as_array=True)
ENDS = st.builds(
    End,
    stop=st.sampled_from(["stop", "length"]),
    prompt_tokens=COUNTS,
    output_tokens=COUNTS,
    tier=st.sampled_from(TRAFFIC),
)
CUT_ENDS = st.one_of(ENDS, st.just(End(stop="filtered", tier="ON_DEMAND")))
FORMS = st.sampled_from([PLAIN, ARRAY])


def _post(
    body: object, *, call: str = "generateContent", query: str = "", headers: dict[str, str] | None = None
) -> HttpRequest:
    path = f"/v1/projects/p-1/locations/us-central1/publishers/google/models/{MODEL}:{call}"
    return HttpRequest(method="POST", path=path, query=query, headers=headers or {}, body=msgspec.json.encode(body))


def _content(*parts: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def _asked(*, call: str = "generateContent", headers: dict[str, str] | None = None, **members: Any) -> Ask:
    return VERTEX_GENERATE.server.read_ask(
        _post({"contents": [_content({"text": "hi"})]} | members, call=call, headers=headers)
    )


DECLARED = [{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT"}}, {"name": "news"}]}]
CALLED = {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}
RETURNED = {"functionResponse": {"name": "weather", "response": {"sky": "clear"}}}

# --- requests ----------------------------------------------------------------------------------------------


@given(asks(tiers=["", "dedicated", "shared", "priority", "shared,priority", "flex"]), st.booleans())
def test_a_request_reads_as_what_was_asked(ask: Ask, as_array: bool) -> None:  # noqa: FBT001 - drawn
    """The endpoint's half reads back exactly what the caller's half wrote, and Google's document allows it."""
    if as_array:
        ask = GenerateAsk(**{**msgspec.structs.asdict(ask), "stream": True}, as_array=True)
    request = VERTEX_GENERATE.client.request(ask, project="p-1", location="us-central1")
    assert None is objection("vertex/v1/GenerateContentRequest", msgspec.json.decode(request.body))
    assert ask == VERTEX_GENERATE.server.read_ask(request)


@given(SAID)
def test_a_count_reads_as_what_was_asked(prompt: str) -> None:
    """Both counting calls read as what was asked, computeTokens with each content apart."""
    plain = Ask(model=MODEL, prompt=prompt, turn=prompt, stream=False, bounded=False, count=True)
    listed = ComputeAsk(
        model=MODEL, prompt=prompt, stream=False, bounded=False, count=True, contents=(("user", prompt),)
    )
    for ask in (plain, listed):
        assert ask == VERTEX_GENERATE.server.read_ask(VERTEX_GENERATE.client.request(ask, project="p", location="l"))


def test_names_and_numbers_are_read_as_googles_mapping_reads_them() -> None:
    """Proto names, numbers as strings, modes in lower case and single values where a field repeats are all read."""
    body = {
        "contents": {"role": "user", "parts": {"text": "hi"}},
        "system_instruction": {"parts": {"text": "be brief"}},
        "generation_config": {"max_output_tokens": "7", "stop_sequences": "END", "temperature": "0.5"},
        "tools": {"function_declarations": {"name": "news", "parameters_json_schema": {"type": "object"}}},
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": "news"}},
    }
    ask = VERTEX_GENERATE.server.read_ask(_post(body))
    assert ("be brief\nhi", "hi", 7, ("END",)) == (ask.prompt, ask.turn, ask.max_tokens, ask.stops)
    assert ((Tool(name="news", schema={"type": "object"}),), "news") == (ask.tools, ask.tool_choice)


@pytest.mark.parametrize(
    ("config", "choice", "names"),
    [
        ({"mode": "AUTO"}, "", ["weather", "news"]),
        ({"mode": "VALIDATED"}, "", ["weather", "news"]),
        ({"mode": "NONE"}, "none", ["weather", "news"]),
        ({"mode": "ANY"}, "any", ["weather", "news"]),
        ({"mode": "ANY", "allowedFunctionNames": ["news"]}, "news", ["weather", "news"]),
        ({"mode": "ANY", "allowedFunctionNames": ["news", "weather"]}, "any", ["weather", "news"]),
    ],
)
def test_each_mode_of_function_calling_is_read(config: dict[str, Any], choice: str, names: list[str]) -> None:
    """The modes, and the names that ANY is bound to."""
    ask = _asked(tools=DECLARED, toolConfig={"functionCallingConfig": config})
    assert (choice, names) == (ask.tool_choice, [tool.name for tool in ask.tools])


@pytest.mark.parametrize(("call", "member"), [("generateContent", "model"), ("countTokens", "endpoint")])
def test_what_the_path_says_may_be_said_again_in_the_body(call: str, member: str) -> None:
    """Google reads a body as the whole message: what it binds to the path is no unknown name, and the path holds."""
    said: dict[str, Any] = {member: "another"}
    assert MODEL == _asked(call=call, **said).model
    refusal = refused(VERTEX_GENERATE, _post({"contents": [_content({"text": "hi"})], member: 7}, call=call))
    assert refusal is not None
    assert f"Invalid value at '{member}' (TYPE_STRING), 7" == refusal.message


def test_a_functions_result_is_prompt_and_no_turn() -> None:
    """What a function gave is part of the prompt, and a message that brings it is not the user's turn."""
    contents = [_content({"text": "hi"}), _content(CALLED, role="model"), _content(RETURNED)]
    ask = _asked(contents=contents, tools=DECLARED)
    assert ('hi\n{"sky":"clear"}', "") == (ask.prompt, ask.turn)


@pytest.mark.parametrize(
    ("headers", "tier"),
    [
        ({"X-Vertex-AI-LLM-Request-Type": "dedicated"}, "dedicated"),
        ({"x-vertex-ai-llm-request-type": "shared"}, "shared"),
        ({"X-Vertex-AI-LLM-Shared-Request-Type": "priority"}, "priority"),
        (
            {"X-Vertex-AI-LLM-Request-Type": "shared", "X-Vertex-AI-LLM-Shared-Request-Type": "priority"},
            "shared,priority",
        ),
        ({}, ""),
    ],
)
def test_the_request_types_are_the_tier(headers: dict[str, str], tier: str) -> None:
    """Both headers that choose the capacity are read, in any case."""
    assert tier == _asked(headers=headers).tier


def test_without_alt_sse_a_stream_is_an_array() -> None:
    """The form of a stream depends on the query alone."""
    body = {"contents": [_content({"text": "x"})]}
    sse = VERTEX_GENERATE.server.read_ask(_post(body, call="streamGenerateContent", query="alt=sse"))
    array = VERTEX_GENERATE.server.read_ask(_post(body, call="streamGenerateContent", query="alt=json"))
    assert (Ask, True) == (type(sse), isinstance(array, GenerateAsk) and array.as_array)
    assert "text/event-stream" == VERTEX_GENERATE.server.stream_headers(sse, reply_id="r")["Content-Type"]
    assert (
        "application/json; charset=UTF-8" == VERTEX_GENERATE.server.stream_headers(array, reply_id="r")["Content-Type"]
    )


REJECTED: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"contents": []}, "at least one contents field is required", []),
    ({"contents": None}, "at least one contents field is required", []),
    ({"contents": [_content({"text": "x"}, role="system")]}, "Please use a valid role: user, model.", []),
    ({"contents": [_content()]}, "it must include at least one parts field", []),
    ({"contents": [_content({"text": ""})]}, "it has an empty text parameter", []),
    ({"messages": []}, 'Unknown name "messages": Cannot find field.', [""]),
    (
        {"contents": [{"role": "user", "parts": [{"txt": "x"}]}], "foo": 1},
        "Unknown name \"txt\" at 'contents[0].parts[0]': Cannot find field.",
        ["contents[0].parts[0]", ""],
    ),
    (
        {"generationConfig": {"temperature": "hot"}},
        "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"",
        ["generation_config.temperature"],
    ),
    ({"generationConfig": {"temperature": 9}}, "temperature value of 9 but the supported range is from 0", []),
    ({"generationConfig": {"maxOutputTokens": 0}}, "from 1 (inclusive) to 65537 (exclusive)", []),
    ({"generationConfig": {"stopSequences": list("abcdef")}}, "6 stop sequences", []),
    ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "set without function_declarations", []),
    (
        {"tools": DECLARED, "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["news"]}}},
        "only when function calling mode is ANY",
        [],
    ),
    (
        {"tools": DECLARED, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}},
        "which no function declaration has",
        [],
    ),
    ({"contents": [_content(RETURNED)]}, "comes immediately after a function call turn", []),
    (
        {"contents": [_content({"text": "x"}), _content(CALLED, CALLED, role="model"), _content(RETURNED)]},
        "equal to the number of function call parts",
        [],
    ),
]


@pytest.mark.parametrize(("change", "sentence", "fields"), REJECTED)
def test_what_google_would_reject_is_rejected(change: dict[str, Any], sentence: str, fields: list[str]) -> None:
    """A body that the document or the service forbids is a 400 in Google's words, with the fields at fault."""
    refusal = refused(VERTEX_GENERATE, _post({"contents": [_content({"text": "hi"})]} | change))
    assert refusal is not None
    assert "invalid" == refusal.kind
    assert sentence in refusal.message
    reply = VERTEX_GENERATE.server.refusal(refusal, reply_id="r-1")
    error = json.loads(reply.body)["error"]
    assert (400, 400, "INVALID_ARGUMENT") == (reply.status, error["code"], error["status"])
    violations = [detail["fieldViolations"] for detail in error.get("details", [])]
    assert fields == [violation.get("field", "") for found in violations for violation in found]


MEMBERS = ["contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "tool_config", "labels"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["parts", "text", "role"]), inner),
        max_leaves=5,
    ),
    st.sampled_from(MEMBERS),
    st.sampled_from(["generateContent", "countTokens", "computeTokens"]),
)
def test_no_body_breaks_an_endpoint(junk: object, member: str, call: str) -> None:
    """Any JSON at all in any member of the body is read or refused; nothing else happens."""
    refusal = refused(VERTEX_GENERATE, _post({"contents": [_content({"text": "x"})], member: junk}, call=call))
    assert refusal is None or refusal.kind == "invalid"


@pytest.mark.parametrize(("method", "path"), [("GET", None), ("POST", "/"), ("POST", "/v1/models/m:generateContent")])
def test_another_path_or_method_is_not_found(method: str, path: str | None) -> None:
    """A path of another shape, or the right one by another method, is not found."""
    request = _post({})
    refusal = refused(VERTEX_GENERATE, msgspec.structs.replace(request, method=method, path=path or request.path))
    assert refusal is not None
    assert "not-found" == refusal.kind


# --- replies -----------------------------------------------------------------------------------------------


def _conforms(body: bytes, version: str = "v1") -> dict[str, Any]:
    said: dict[str, Any] = json.loads(body)
    assert None is objection(f"vertex/{version}/GenerateContentResponse", said), said
    types.GenerateContentResponse.model_validate(said)
    return said


@given(TEXT, st.lists(CALLS, max_size=2).map(tuple), ENDS)
def test_a_whole_reply_reads_as_what_was_said(text: str, calls: tuple[ToolCall, ...], end: End) -> None:
    """A reply that is not streamed keeps its text, its function calls, its stop reason, cost and traffic type."""
    end = msgspec.structs.replace(end, stop="tool") if calls and end.stop == "stop" else end
    answer = Answer(text=text, calls=calls, end=end)
    reply = whole(VERTEX_GENERATE, PLAIN, answer)
    _conforms(reply.body)
    _conforms(reply.body, "v1beta1")
    assert answer == VERTEX_GENERATE.client.answer(reply)


@given(FORMS, TOKENS, st.lists(CALLS, max_size=2), CUT_ENDS, st.data())
def test_a_stream_reads_as_what_was_said(
    ask: Ask, tokens: list[Token], calls: list[ToolCall], end: End, data: st.DataObject
) -> None:
    """A stream of either form keeps every token and call and its end, however the network splits it."""
    end = msgspec.structs.replace(end, stop="tool") if calls and end.stop == "stop" else end
    events: list[Event] = [*tokens, *calls, end]
    sent = stream(VERTEX_GENERATE, ask, events)
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=8))
    assert events == read(VERTEX_GENERATE, sent, cuts)


@given(st.lists(st.one_of(TEXT.filter(bool).map(Token), CALLS), max_size=4), CUT_ENDS)
def test_every_chunk_conforms_to_the_document(said: list[Event], end: End) -> None:
    """Every chunk is what Google's document and the SDK's own types describe, and the array is plain JSON."""
    chunks = json.loads(stream(VERTEX_GENERATE, ARRAY, [*said, end]))
    for chunk in chunks:
        _conforms(json.dumps(chunk).encode())
    finished = [chunk for chunk in chunks if "finishReason" in (chunk.get("candidates") or [{}])[0]]
    assert finished == ([] if end.stop == "filtered" and not said else chunks[-1:])


@pytest.mark.parametrize("ask", [PLAIN, ARRAY], ids=["sse", "array"])
def test_every_byte_boundary_is_a_fair_split_and_no_cut_is_whole(ask: Ask) -> None:
    """Split at any byte a stream reads the same, and no proper beginning of it has an end."""
    call = ToolCall(id="t1", name="weather", arguments='{"city":"Zürich \\"}]"}')
    end = End(stop="tool", prompt_tokens=3, output_tokens=2, tier="ON_DEMAND")
    events: list[Event] = [Token("hé"), Token("\r\n🦜"), call, end]
    sent = stream(VERTEX_GENERATE, ask, events)
    for cut in range(len(sent)):
        assert events == read(VERTEX_GENERATE, sent, [cut])
    # The last line feed of an event may be lost without loss: the event was complete before it.
    for length in range(len(sent.rstrip())):
        assert not any(is_end(event) for event in read(VERTEX_GENERATE, sent[:length], []))
    assert events == read(VERTEX_GENERATE, sent, list(range(1, len(sent))))


@pytest.mark.parametrize("ask", [PLAIN, ARRAY], ids=["sse", "array"])
def test_a_megabyte_is_like_a_word(ask: Ask) -> None:
    """A token, a call's arguments and a prompt of a megabyte each come through."""
    huge = '🦜"\\' * 2**17
    call = ToolCall(id="t1", name="weather", arguments=json.dumps({"city": huge}, ensure_ascii=False))
    events: list[Event] = [Token(huge), call, End(stop="tool", tier="ON_DEMAND")]
    assert events == read(VERTEX_GENERATE, stream(VERTEX_GENERATE, ask, events), [2**19])
    asked = Ask(model=MODEL, prompt=huge, turn=huge)
    assert asked == VERTEX_GENERATE.server.read_ask(VERTEX_GENERATE.client.request(asked, project="p", location="l"))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_a_refusal_or_nothing(noise: bytes, more: bytes) -> None:
    """Bytes of no dialect give no event, and raise nothing but an unknown refusal."""
    assert unread(VERTEX_GENERATE, noise, more) in {None, "unknown"}
    assert unread(VERTEX_GENERATE, b"[" + noise, more) in {None, "unknown"}


def test_a_blocked_prompt_has_feedback_and_no_candidate() -> None:
    """What the filter stopped before its first token is a 200 with promptFeedback; later it is SAFETY."""
    end = End(stop="filtered", prompt_tokens=3, tier="ON_DEMAND")
    reply = whole(VERTEX_GENERATE, PLAIN, Answer(text="", end=end))
    said = _conforms(reply.body)
    assert (200, "SAFETY", False) == (reply.status, said["promptFeedback"]["blockReason"], "candidates" in said)
    assert Answer(text="", end=end) == VERTEX_GENERATE.client.answer(reply)
    later = _conforms(whole(VERTEX_GENERATE, PLAIN, Answer(text="no", end=end)).body)
    assert "SAFETY" == later["candidates"][0]["finishReason"]
    assert "promptFeedback" not in later


@pytest.mark.parametrize("reason", ["RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"])
def test_every_filter_is_a_filter_to_the_caller(reason: str) -> None:
    """All reasons by which Google's own filters end an answer read alike."""
    body = msgspec.json.encode({"candidates": [{"finishReason": reason}]})
    end = VERTEX_GENERATE.client.answer(HttpReply(status=200, body=body)).end
    assert End(stop="filtered", counted=False) == end


@given(SAID, st.integers(0, 2**31 - 1))
def test_a_count_is_read_back(prompt: str, tokens: int) -> None:
    """Both counting calls' replies are what Google describes, and read as an answer that cost so much."""
    reply = VERTEX_GENERATE.server.counted(Ask(model=MODEL, prompt=prompt, count=True), tokens, reply_id="r-1")
    assert None is objection("vertex/v1/CountTokensResponse", json.loads(reply.body))
    assert Answer(text="", end=End(prompt_tokens=tokens)) == VERTEX_GENERATE.client.answer(reply)
    listed = ComputeAsk(model=MODEL, prompt=prompt, count=True, contents=(("user", prompt),))
    reply = VERTEX_GENERATE.server.counted(listed, tokens, reply_id="r-1")
    [info] = types.ComputeTokensResponse.model_validate_json(reply.body).tokens_info or []
    assert prompt.encode() == b"".join(info.tokens or [])
    end = VERTEX_GENERATE.client.answer(reply).end
    assert end is not None
    assert len(info.token_ids or []) == end.prompt_tokens


@given(st.sampled_from(TRAFFIC), st.sampled_from([False, True]), TOKENS)
def test_every_chunk_names_the_traffic_that_serves_it(traffic: str, as_array: bool, tokens: list[Token]) -> None:  # noqa: FBT001 - hypothesis
    """What a stream says of its traffic is the same from its first chunk to its last."""
    ask = GenerateAsk(model=MODEL, prompt="p", tier=traffic, as_array=as_array)
    writer = VERTEX_GENERATE.server.writer(ask, reply_id="r-1")
    frames = [writer.event(event) for event in [*tokens, End(tier=traffic)]]
    named = [re.findall(rb'"trafficType":"(\w+)"', frame) for frame in frames]
    assert [[traffic.encode()]] * len(frames) == named


@pytest.mark.parametrize("query", ["alt=sse", ""])
def test_an_answer_is_put_into_the_document_asked_for(query: str) -> None:
    """A schema makes the answer a JSON document that holds the text, whole and streamed; a cut one is broken."""
    schema = {"type": "OBJECT", "properties": {"days": {"type": "INTEGER"}, "summary": {"type": "STRING"}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    body = {"contents": [_content({"text": "hi"})], "generationConfig": config}
    ask = VERTEX_GENERATE.server.read_ask(_post(body, call="streamGenerateContent", query=query))
    events: list[Event] = [Token('a "q'), Token(" b"), End(tier="ON_DEMAND")]
    streamed = read(VERTEX_GENERATE, stream(VERTEX_GENERATE, ask, events), [])
    text = "".join(event.text for event in streamed if isinstance(event, Token))
    assert {"days": 0, "summary": 'a "q b'} == json.loads(text)
    assert End(tier="ON_DEMAND") == streamed[-1]
    assert text == VERTEX_GENERATE.client.answer(whole(VERTEX_GENERATE, ask, Answer(text='a "q b', end=End()))).text
    cut = VERTEX_GENERATE.client.answer(whole(VERTEX_GENERATE, ask, Answer(text="a", end=End(stop="length")))).text
    assert text.startswith(cut)
    assert not cut.endswith("}")


@given(st.lists(st.dictionaries(TEXT, st.one_of(TEXT, st.lists(TEXT, max_size=2))), max_size=4), st.data())
def test_an_array_is_split_into_its_elements(elements: list[dict[str, Any]], data: st.DataObject) -> None:
    """Elements come out whole and in order, whatever their strings hold and wherever the bytes are split."""
    sent = b"[" + b" ,\r\n".join(json.dumps(one, ensure_ascii=False).encode() for one in elements) + b"\r\n]"
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6))), len(sent)]
    splitter = JsonArraySplitter()
    pieces = [piece for a, b in pairwise(cuts) for piece in splitter.feed(sent[a:b])]
    assert elements == [json.loads(piece) for piece in pieces]
    assert splitter.closed
