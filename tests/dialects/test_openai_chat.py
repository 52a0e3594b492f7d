"""Both halves of ``openai-chat`` agree with each other, and the endpoint's half with OpenAI's own types."""

import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from brownout.dialects.models import objection
from brownout.dialects.openai_chat import MODELS_PATH, OPENAI_CHAT, PATH, models_aside, span
from brownout.dialects.openai_errors import ChatRefusal
from brownout.dialects.openai_requests import ChatAsk
from brownout.dialects.structured import frame_of
from brownout.wire import Answer, Ask, End, Event, HttpRequest, Meter, Token, ToolCall
from tests.dialects.rounds import CALLS, COUNTS, SAID, TEXT, TOKENS, asks, is_end, read, refused, stream, unread, whole

TIERS = ["", "default", "flex", "priority"]
ENDS = st.builds(
    End,
    stop=st.sampled_from(["stop", "length", "filtered"]),
    prompt_tokens=COUNTS,
    output_tokens=COUNTS,
    tier=st.sampled_from(TIERS),
)
PLAIN = Ask(model="m-1", prompt="p")
UTC = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
NOTES = {"type": "function", "function": {"name": "notes"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def _post(body: object, *, path: str = PATH, method: str = "POST") -> HttpRequest:
    return HttpRequest(method=method, path=path, body=msgspec.json.encode(body))


def _user(content: object = "hi") -> dict[str, Any]:
    return {"role": "user", "content": content}


def _asked(**members: Any) -> Ask:
    return OPENAI_CHAT.server.read_ask(_post({"model": "m-1", "messages": [_user()]} | members))


def _refusal(**members: Any) -> dict[str, Any]:
    """Return the error that a body is refused with."""
    refusal = refused(OPENAI_CHAT, _post({"model": "m-1", "messages": [_user()]} | members))
    assert refusal is not None
    error: dict[str, Any] = json.loads(OPENAI_CHAT.server.refusal(refusal, reply_id="r-1").body)["error"]
    return error


def _payloads(data: bytes) -> list[Any]:
    """Return the chunks of a stream, which ends with ``[DONE]``."""
    *chunks, done, rest = data.split(b"\n\n")
    assert (b"data: [DONE]", b"") == (done, rest)
    return [json.loads(chunk.removeprefix(b"data: ")) for chunk in chunks]


# --- requests ----------------------------------------------------------------------------------------------


@given(asks(tiers=TIERS))
def test_a_request_reads_as_what_was_asked(ask: Ask) -> None:
    """The endpoint's half reads back what the caller's half wrote, and OpenAI's model has nothing against it."""
    request = OPENAI_CHAT.client.request(ask)
    assert None is objection("openai/ChatCompletionRequest", msgspec.json.decode(request.body))
    assert ask == OPENAI_CHAT.server.read_ask(request)


@pytest.mark.parametrize("extra", [{"metered": False}, {"choices": 3}])
def test_more_than_an_answer_is_read(extra: dict[str, Any]) -> None:
    """A stream without usage, and several answers, are told from the plain request."""
    ask = ChatAsk(model="m-1", prompt="p", turn="p", **extra)
    assert ask == OPENAI_CHAT.server.read_ask(OPENAI_CHAT.client.request(ask))


def test_all_text_of_a_request_is_its_prompt() -> None:
    """Text counts whoever says it; images, files and refusals are taken and have none."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
    messages = [
        {"role": "developer", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "b"}], "name": "x"},
        _user([{"type": "text", "text": "c"}, image, {"type": "text", "text": "d"}]),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    ask = _asked(messages=messages)
    assert ("a\nb\nc\nd\nsunny", "") == (ask.prompt, ask.turn)


@pytest.mark.parametrize(
    ("choice", "expected", "tools"),
    [
        (None, "", ["weather", "notes"]),
        ("auto", "", ["weather", "notes"]),
        ("none", "none", ["weather", "notes"]),
        ("required", "any", ["weather", "notes"]),
        ({"type": "function", "function": {"name": "notes"}}, "notes", ["weather", "notes"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NOTES]}}, "any", ["notes"]),
    ],
)
def test_each_choice_of_tool_is_read(choice: Any, expected: str, tools: list[str]) -> None:
    """Every form of ``tool_choice`` comes in the neutral words, with the tools that it leaves."""
    chosen = {} if choice is None else {"tool_choice": choice}
    ask = _asked(tools=[WEATHER, NOTES], parallel_tool_calls=False, **chosen)
    assert (expected, tools) == (ask.tool_choice, [tool.name for tool in ask.tools])


@pytest.mark.parametrize(
    ("members", "bound", "bounded"),
    [({}, 256, False), ({"max_tokens": 9}, 9, True), ({"max_completion_tokens": 7}, 7, True)],
)
def test_either_bound_is_read(members: dict[str, Any], bound: int, bounded: bool) -> None:  # noqa: FBT001 - drawn
    """``max_tokens`` and its successor bound the answer; without them nobody does."""
    ask = _asked(**members)
    assert (bound, bounded) == (ask.max_tokens, ask.bounded)


@pytest.mark.parametrize(("stop", "expected"), [(None, ()), ("x", ("x",)), (["x", "y"], ("x", "y"))])
def test_stops_come_alone_or_listed(stop: Any, expected: tuple[str, ...]) -> None:
    """``stop`` is a string, a list of them, or null."""
    assert expected == _asked(stop=stop).stops


REJECTED: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": "hi"}, "messages", "invalid_type"),
    ({"messages": [{"role": "narrator", "content": "x"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    ({"messages": [{"role": "assistant", "content": None}]}, "messages.[0].content", None),
    ({"messages": [{"role": "tool", "tool_call_id": "c1", "content": "x"}]}, "messages.[0].role", None),
    ({"messages": [{"role": "assistant", "tool_calls": [CALL]}, _user()]}, "messages.[1].role", None),
    ({"model": 3}, "model", "invalid_type"),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"max_tokens": 4, "max_completion_tokens": 4}, None, "invalid_parameter_combination"),
    ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "array_above_max_length"),
    ({"stream_options": {"include_usage": True}}, "stream_options", None),
    ({"service_tier": "gold"}, "service_tier", "invalid_value"),
    ({"tools": []}, "tools", "empty_array"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type", "invalid_value"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "invalid_value"),
    ({"tool_choice": "auto"}, "tool_choice", None),
    ({"tools": [WEATHER], "tool_choice": NOTES}, "tool_choice", None),
    ({"functions": [{"name": "x"}]}, "functions", "unsupported_parameter"),
    ({"modalities": ["audio"]}, "modalities", "invalid_value"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    ({"seeds": 1}, None, None),
]


@pytest.mark.parametrize(("members", "param", "code"), REJECTED)
def test_what_openai_would_refuse_is_refused(members: dict[str, Any], param: str | None, code: str | None) -> None:
    """A body that OpenAI refuses is its 400, with the parameter at fault and the code."""
    error = _refusal(**members)
    assert (param, code, "invalid_request_error") == (error["param"], error["code"], error["type"])
    assert error["message"]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'"\\ud800"', b"[" * 100_000, b'{"n": 1e999}', b"null"])
def test_bytes_that_are_no_request_are_refused(raw: bytes) -> None:
    """Whatever is sent as a body, the answer is 400."""
    refusal = refused(OPENAI_CHAT, HttpRequest(method="POST", path=PATH, body=raw))
    assert refusal is not None
    assert 400 == OPENAI_CHAT.server.refusal(refusal, reply_id="r-1").status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MEMBERS = ["model", "messages", "stream", "stop", "tools", "tool_choice", "response_format", "stream_options", "n"]


@given(st.sampled_from(MEMBERS), JSON)
@example("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": {"anyOf": 3}}})
@example("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#"}}})
@example("tool_choice", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}})
def test_no_body_breaks_an_endpoint(member: str, junk: object) -> None:
    """Any JSON at all in any member is read or refused; nothing else happens."""
    body = {"model": "m-1", "messages": [_user()], "tools": [WEATHER], member: junk}
    refusal = refused(OPENAI_CHAT, _post(body))
    assert refusal is None or "invalid" == refusal.kind


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (_post({}, path="/v1/responses"), 404, "unknown_url"),
        (_post({}, method="GET"), 405, "method_not_supported"),
        (_post({}, path="/"), 404, "unknown_url"),
    ],
)
def test_another_path_or_method_is_not_found(request_: HttpRequest, status: int, code: str) -> None:
    """A path of another shape is 404, the right one by another method 405."""
    refusal = refused(OPENAI_CHAT, request_)
    assert refusal is not None
    reply = OPENAI_CHAT.server.refusal(refusal, reply_id="r-1")
    assert ("not-found", status, code) == (refusal.kind, reply.status, json.loads(reply.body)["error"]["code"])


# --- replies -----------------------------------------------------------------------------------------------


@given(TEXT, st.lists(CALLS, max_size=2), ENDS)
def test_a_whole_reply_reads_as_what_was_said(text: str, calls: list[ToolCall], end: End) -> None:
    """A reply keeps its text, calls, stop reason, cost and tier, and OpenAI's own type reads it."""
    stop = "tool" if calls else end.stop
    answer = Answer(text=text, end=msgspec.structs.replace(end, stop=stop), calls=tuple(calls))
    reply = whole(OPENAI_CHAT, PLAIN, answer)
    assert answer == OPENAI_CHAT.client.answer(reply)
    assert None is objection("openai/ChatCompletion", json.loads(reply.body))
    assert (text or None) == (
        ChatCompletion.model_validate_json(reply.body, strict=True).choices[0].message.content or None
    )


@given(TOKENS, st.lists(CALLS, max_size=2), ENDS, st.data())
def test_a_stream_reads_as_what_was_said(
    tokens: list[Token], calls: list[ToolCall], end: End, data: st.DataObject
) -> None:
    """A stream keeps every token and call and its end, however the network splits it, and OpenAI's type reads it."""
    end = msgspec.structs.replace(end, stop="tool") if calls else end
    events: list[Event] = [*tokens, *calls, end]
    raw = stream(OPENAI_CHAT, PLAIN, events)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=8))
    assert events == read(OPENAI_CHAT, raw, cuts)
    for chunk in _payloads(raw):
        assert None is objection("openai/ChatCompletionChunk", chunk)
        ChatCompletionChunk.model_validate(chunk)


EVENTS: list[Event] = [
    Token("hé"),
    Token("\r\n🦜"),
    ToolCall(id="c1", name="weather", arguments='{"city":"Zürich","notes":"data: [DONE]"}'),
    ToolCall(id="c2", name="notes", arguments="{}"),
    End(stop="tool", prompt_tokens=3, output_tokens=2),
]


def test_every_byte_boundary_is_a_fair_split() -> None:
    """Split in two at any byte, or fed a byte at a time, a stream reads the same."""
    raw = stream(OPENAI_CHAT, PLAIN, EVENTS)
    for cut in range(len(raw) + 1):
        assert EVENTS == read(OPENAI_CHAT, raw, [cut])
    assert EVENTS == read(OPENAI_CHAT, raw, list(range(1, len(raw))))


def test_a_stream_cut_anywhere_is_never_whole() -> None:
    """No proper beginning of a stream gives an end: truncated is not success."""
    raw = stream(OPENAI_CHAT, PLAIN, [Token("a"), Token("b"), End()])
    for length in range(len(raw.rstrip())):
        assert not any(is_end(event) for event in read(OPENAI_CHAT, raw[:length], []))


def test_done_without_a_finish_reason_is_truncated() -> None:
    """``[DONE]`` alone does not make a completion whole."""
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'
    assert [Token("a")] == read(OPENAI_CHAT, chunk, [])


def test_a_token_of_a_megabyte_survives() -> None:
    """Length alone breaks nothing."""
    events: list[Event] = [Token('"\\\n🦜' * 200_000), End()]
    raw = stream(OPENAI_CHAT, PLAIN, events)
    assert events == read(OPENAI_CHAT, raw, list(range(0, len(raw), 65_536)))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_a_refusal_or_nothing(noise: bytes, more: bytes) -> None:
    """Bytes of no dialect give no event, and raise nothing but an unknown refusal."""
    assert unread(OPENAI_CHAT, noise, more) in {None, "unknown"}


@pytest.mark.parametrize(
    ("end", "choice", "expected"),
    [
        (End(stop="stop"), "", "stop"),
        (End(stop="stop-sequence", stop_sequence="x"), "", "stop"),
        (End(stop="length"), "", "length"),
        (End(stop="filtered"), "", "content_filter"),
        (End(stop="tool"), "", "tool_calls"),
        (End(stop="tool"), "any", "tool_calls"),
        (End(stop="tool"), "weather", "stop"),
    ],
)
def test_each_reason_to_finish_is_openais(end: End, choice: str, expected: str) -> None:
    """Reasons come in OpenAI's words, whole and streamed; a tool forced by its name finishes with ``stop``."""
    ask = Ask(model="m-1", prompt="p", tool_choice=choice)
    assert expected == json.loads(whole(OPENAI_CHAT, ask, Answer(text="", end=end)).body)["choices"][0]["finish_reason"]
    chunks = _payloads(stream(OPENAI_CHAT, ask, [end]))
    assert expected == chunks[-2]["choices"][0]["finish_reason"]


def test_a_call_after_stop_is_a_call() -> None:
    """The caller's half takes an answer with calls for a tool's turn, whatever the reason to finish says."""
    ask = Ask(model="m-1", prompt="p", tool_choice="weather")
    call = ToolCall(id="c1", name="weather", arguments="{}")
    answer = Answer(text="", end=End(stop="tool"), calls=(call,))
    assert answer == OPENAI_CHAT.client.answer(whole(OPENAI_CHAT, ask, answer))
    assert [call, End(stop="tool")] == read(OPENAI_CHAT, stream(OPENAI_CHAT, ask, [call, End(stop="tool")]), [])


def test_the_first_chunk_of_a_call_names_its_role_and_tool() -> None:
    """Role, call id and name come in one chunk with no text, the arguments in pieces after it."""
    chunks = _payloads(stream(OPENAI_CHAT, PLAIN, [EVENTS[2], End(stop="tool")]))
    first = chunks[0]["choices"][0]["delta"]
    named = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    assert {"role": "assistant", "content": None, "tool_calls": [named]} == first
    pieces = [c["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for c in chunks[1:-2]]
    assert len(pieces) > 1
    assert '{"city":"Zürich","notes":"data: [DONE]"}' == "".join(pieces)


def test_usage_is_null_until_the_last_chunk_and_absent_unless_asked_for() -> None:
    """With ``include_usage`` every chunk has the member, and the last, without choices, its value."""
    events: list[Event] = [Token("a"), End(prompt_tokens=3, output_tokens=1)]
    *chunks, last = _payloads(stream(OPENAI_CHAT, PLAIN, events))
    assert [None] * 3 == [chunk["usage"] for chunk in chunks]
    assert ([], 4, 0) == (
        last["choices"],
        last["usage"]["total_tokens"],
        last["usage"]["completion_tokens_details"]["reasoning_tokens"],
    )
    unmetered = ChatAsk(model="m-1", prompt="p", metered=False)
    assert not any("usage" in chunk for chunk in _payloads(stream(OPENAI_CHAT, unmetered, events)))


def test_several_answers_are_counted_and_numbered() -> None:
    """``n`` answers each have their index and all are paid for; the caller's half reads the first."""
    ask = ChatAsk(model="m-1", prompt="p", choices=2)
    events: list[Event] = [Token("a"), Token("b"), End(prompt_tokens=3, output_tokens=2)]
    body = json.loads(whole(OPENAI_CHAT, ask, Answer(text="ab", end=End(output_tokens=2))).body)
    assert ([0, 1], 4) == ([choice["index"] for choice in body["choices"]], body["usage"]["completion_tokens"])
    raw = stream(OPENAI_CHAT, ask, events)
    *chunks, last = _payloads(raw)
    said = {0: "", 1: ""}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        said[choice["index"]] += choice["delta"].get("content", "")
    assert ({0: "ab", 1: "ab"}, 4) == (said, last["usage"]["completion_tokens"])
    assert [Token("a"), Token("b"), End(prompt_tokens=3, output_tokens=4)] == read(OPENAI_CHAT, raw, [])


@pytest.mark.parametrize(("asked", "served"), [("auto", "default"), ("fast", "priority"), ("flex", "flex")])
def test_the_tier_that_served_is_said_where_one_was_asked_for(asked: str, served: str) -> None:
    """``service_tier`` stands in the reply and in every chunk where the request names one, and nowhere else."""
    ask = Ask(model="m-1", prompt="p", tier=asked)
    assert served == json.loads(whole(OPENAI_CHAT, ask, Answer(text="a", end=End())).body)["service_tier"]
    assert {served} == {chunk["service_tier"] for chunk in _payloads(stream(OPENAI_CHAT, ask, [Token("a"), End()]))}
    assert "service_tier" not in json.loads(whole(OPENAI_CHAT, PLAIN, Answer(text="a", end=End())).body)


def test_a_models_answers_share_a_fingerprint() -> None:
    """``system_fingerprint`` is the same for one model, whole and streamed, and another for another."""
    body = json.loads(whole(OPENAI_CHAT, PLAIN, Answer(text="a", end=End())).body)
    chunks = _payloads(stream(OPENAI_CHAT, PLAIN, [Token("a"), End()]))
    other = json.loads(whole(OPENAI_CHAT, Ask(model="m-2", prompt="p"), Answer(text="a", end=End())).body)
    assert {body["system_fingerprint"]} == {chunk["system_fingerprint"] for chunk in chunks}
    assert body["system_fingerprint"] != other["system_fingerprint"]


# --- structured output -------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "properties": {
        "days": {"type": "integer"},
        "kind": {"enum": ["a", "b"]},
        "inner": {"$ref": "#/$defs/inner"},
        "more": {"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 2}, {"type": "null"}]},
    },
    "$defs": {"inner": {"type": "object", "properties": {"text": {"type": "string"}, "other": {"type": "string"}}}},
}
NUMBERS = {"type": "object", "properties": {"n": {"type": "number"}}}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}


@pytest.mark.parametrize(
    ("wanted", "place"),
    [({"type": "json_object"}, ["answer"]), (_schema(SCHEMA), ["inner", "text"]), (_schema(NUMBERS), [])],
)
@given(tokens=st.lists(SAID.map(Token), min_size=1, max_size=4))
@settings(max_examples=20)
def test_structured_output_is_json_whole_and_streamed(
    wanted: dict[str, Any], place: list[str], tokens: list[Token]
) -> None:
    """The answer stands in its place in a document of the schema asked for, the same whole and streamed."""
    ask = _asked(response_format=wanted)
    text = "".join(token.text for token in tokens)
    body = json.loads(whole(OPENAI_CHAT, ask, Answer(text=text, end=End())).body)
    streamed = read(OPENAI_CHAT, stream(OPENAI_CHAT, ask, [*tokens, End()]), [])
    document = body["choices"][0]["message"]["content"]
    assert document == "".join(event.text for event in streamed if isinstance(event, Token))
    held = json.loads(document)
    for step in place:
        held = held[step]
    assert (text if place else {"n": 0}) == held


def test_an_answer_cut_short_is_broken_json() -> None:
    """A document whose answer met its bound is not closed, as a real one is not."""
    ask = _asked(response_format={"type": "json_object"})
    body = json.loads(whole(OPENAI_CHAT, ask, Answer(text="a", end=End(stop="length"))).body)
    assert '{"answer":"a' == body["choices"][0]["message"]["content"]


def test_a_document_follows_its_schema() -> None:
    """Every property is there, references and unions are followed, and the first free string is the answer's place."""
    frame = frame_of(SCHEMA)
    held = json.loads(frame.before + frame.inside('x"\n') + frame.after)
    inner = {"text": 'x"\n', "other": ""}
    assert {"days": 0, "kind": "a", "inner": inner, "more": ["", ""]} == held


# --- headers and models ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span_s", "expected"),
    [(0.0, "0ms"), (0.0172, "17ms"), (1.0, "1s"), (41.724, "41.724s"), (360.0, "6m0s"), (86_400.0, "24h0m0s")],
)
def test_times_to_wait_are_written_as_openai_does(span_s: float, expected: str) -> None:
    """``x-ratelimit-reset-*`` is a duration in OpenAI's notation."""
    assert expected == span(span_s)


def test_what_is_left_of_the_quotas_is_said() -> None:
    """Requests and tokens have a limit, what remains and when it is full again; other quotas have no header."""
    meters = {"requests": Meter(60, 59, 1.0), "tokens": Meter(150_000, 149_984, 360.0), "input-tokens": Meter(1, 1, 1)}
    assert {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6m0s",
    } == OPENAI_CHAT.server.standing(meters, utc=UTC)


def test_a_reply_says_how_long_it_took() -> None:
    """``openai-processing-ms`` is the service's own figure, and the caller's half reads it."""
    reply = whole(OPENAI_CHAT, PLAIN, Answer(text="a", end=End(latency_s=0.25)))
    assert ("250", "2020-10-01", "req_r-1") == (
        reply.headers["openai-processing-ms"],
        reply.headers["openai-version"],
        reply.headers["x-request-id"],
    )
    assert 0.25 == OPENAI_CHAT.client.answer(reply).end.latency_s  # type: ignore[union-attr]


@pytest.mark.parametrize("model", ["llama-3-70b", "meta-llama/Llama-3-70b"])
def test_models_are_listed_and_found(model: str) -> None:
    """The one model is in the list and has a page of its own; what is no question about models is not answered."""
    listed = models_aside(_post({}, path=MODELS_PATH, method="GET"), model, "r-1")
    found = models_aside(_post({}, path=f"{MODELS_PATH}/{model.replace('/', '%2F')}", method="GET"), model, "r-1")
    assert listed is not None
    assert found is not None
    assert [json.loads(found.body)] == json.loads(listed.body)["data"]
    assert model == json.loads(found.body)["id"]
    assert None is models_aside(_post({}), model, "r-1")


def test_an_unknown_model_has_no_page() -> None:
    """A model that the endpoint does not serve is 404."""
    with pytest.raises(ChatRefusal) as caught:
        models_aside(_post({}, path=f"{MODELS_PATH}/gpt-9", method="GET"), "llama", "r-1")
    reply = OPENAI_CHAT.server.refusal(caught.value, reply_id="r-1")
    assert (404, "model_not_found") == (reply.status, json.loads(reply.body)["error"]["code"])
