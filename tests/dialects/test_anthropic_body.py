"""Claude's body is the same on all three platforms: read, rejected, answered whole and streamed."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.dialects import dialect_named
from brownout.dialects.anthropic_platform import claude
from brownout.dialects.models import objection
from brownout.wire import Ask, End, Event, HttpReply, Refusal, RefusalKind, Token, Tool, ToolCall, gathered
from tests.dialects.claude import (
    CLAUDES,
    ENDS,
    EVENTS,
    HOSTILE,
    TEXT,
    asks,
    changed,
    merged,
    read,
    refused_as,
    sent,
    streamed,
    strict_message,
)

NAMES = list(CLAUDES)
NAME = st.sampled_from(NAMES)
WEATHER: dict[str, Any] = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {}}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "rain"}]}


def _ask(name: str, change: dict[str, Any]) -> Ask:
    return dialect_named(name).server.read_ask(changed(name, change))


def _why(name: str, change: dict[str, Any]) -> str:
    with pytest.raises(Refusal) as caught:
        _ask(name, change)
    assert "invalid" == caught.value.kind
    return caught.value.message


# --- requests ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(NAME, st.data())
def test_a_request_reads_as_what_was_asked(name: str, data: st.DataObject) -> None:
    """The endpoint's half reads back exactly what the caller's half wrote: bounds, stops, tools, choice."""
    ask = data.draw(asks(CLAUDES[name]))
    dialect = dialect_named(name)
    request = sent(dialect, ask)
    assert dialect.server.owns(request)
    assert ask == dialect.server.read_ask(request)


@pytest.mark.parametrize("name", NAMES)
def test_all_text_of_a_conversation_is_its_prompt(name: str) -> None:
    """System prompts, messages, documents and tools' results are the prompt, in their order; calls are none of it."""
    ask = _ask(
        name,
        {
            "system": [{"type": "text", "text": "be brief"}, {"type": "text", "text": "be kind"}],
            "messages": [
                {"role": "user", "content": "one"},
                {"role": "assistant", "content": [{"type": "text", "text": "two"}, CALL]},
                {
                    "role": "user",
                    "content": [
                        RESULT,
                        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "three"}},
                        {"type": "text", "text": "four"},
                    ],
                },
            ],
            "tools": [WEATHER, {"type": "web_search_20250305", "name": "web_search"}],
        },
    )
    assert "be brief\nbe kind\none\ntwo\nrain\nthree\nfour" == ask.prompt
    assert (Tool("weather", WEATHER["input_schema"]),) == ask.tools


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("messages", "turn"),
    [
        ([{"role": "user", "content": "weather in Oslo?"}], "weather in Oslo?"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "a\nb"),
        ([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "so"}], ""),
        (
            [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [CALL]},
                {"role": "user", "content": [RESULT, {"type": "text", "text": "weather again?"}]},
            ],
            "",
        ),
    ],
)
def test_the_turn_is_the_users_last_words(name: str, messages: list[dict[str, Any]], turn: str) -> None:
    """The turn is the last message's text where it is the user's own, and empty where it brings a tool's result."""
    assert turn == _ask(name, {"messages": messages, "tools": [WEATHER]}).turn


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ""),
        ({"type": "any", "disable_parallel_tool_use": True}, "any"),
        ({"type": "tool", "name": "weather"}, "weather"),
        ({"type": "none"}, "none"),
    ],
)
def test_the_tool_choice_is_read(name: str, choice: dict[str, Any], expected: str) -> None:
    """Each of the four choices is told from the others."""
    assert expected == _ask(name, {"tools": [WEATHER], "tool_choice": choice}).tool_choice


REJECTED: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": ...}, "max_tokens: Field required"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
    ({"messages": ...}, "messages: Field required"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, 'messages: first message must use the "user" role'),
    ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        "messages: text content blocks must be non-empty",
    ),
    ({"messages": [{"role": "user", "content": " \n"}]}, "messages: text content blocks must contain non-whitespace"),
    (
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "so "}]},
        "messages: final assistant content cannot end with trailing whitespace",
    ),
    ({"temperature": 1.5}, "temperature: range: 0..1"),
    ({"nonsense": 1}, "nonsense: Extra inputs are not permitted"),
    ({"stop_sequences": ["  "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
    ({"tools": [WEATHER, WEATHER]}, "tools: Tool names must be unique."),
    ({"tools": [WEATHER | {"name": "the weather"}]}, "tools.0.custom.name: String should match pattern"),
    ({"tools": [{"name": "w", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
    (
        {"tools": [{"name": "w", "input_schema": {"type": "array"}}]},
        "tools.0.custom.input_schema.type: Input should be",
    ),
    ({"tool_choice": {"type": "any"}}, "tool_choice: tool_choice may only be specified while providing tools."),
    (
        {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "time"}},
        "tool_choice.tool.name: Tool 'time' not found in provided tools",
    ),
    (
        {"messages": [{"role": "user", "content": [RESULT]}]},
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1.",
    ),
    (
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": [CALL]}]},
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
    ),
    (
        {
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": [CALL]},
                {"role": "user", "content": "never mind"},
            ]
        },
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
    ),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 2048},
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("change", "sentence"), REJECTED, ids=[sentence for _, sentence in REJECTED])
def test_what_the_real_model_rejects_is_rejected(name: str, change: dict[str, Any], sentence: str) -> None:
    """A body of the wrong shape, or one that breaks a rule of conduct, is refused in Anthropic's sentence."""
    assert _why(name, change).startswith(sentence)


@pytest.mark.parametrize("name", NAMES)
def test_lone_surrogates_are_no_json(name: str) -> None:
    """A body with half a surrogate pair is refused as JSON that cannot be read, not answered and not our failure."""
    request = changed(name, {})
    broken = msgspec.structs.replace(request, body=request.body.replace(b"hello", rb"\ud83d"))
    with pytest.raises(Refusal, match="The request body is not valid JSON") as caught:
        dialect_named(name).server.read_ask(broken)
    assert "invalid" == caught.value.kind


@settings(deadline=None)
@given(NAME, st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5), st.data())
def test_no_body_breaks_an_endpoint(name: str, junk: object, data: st.DataObject) -> None:
    """Whatever stands in a body, betas named or not, the endpoint reads an ask or refuses."""
    member = data.draw(st.sampled_from(["messages", "system", "tools", "tool_choice", "stop_sequences", "thinking"]))
    request = changed(name, {member: junk})
    named = msgspec.structs.replace(request, headers={**request.headers, "anthropic-beta": "context-2026"})
    for one in (request, named):
        assert refused_as(lambda one=one: dialect_named(name).server.read_ask(one)) in {None, "invalid"}  # type: ignore[misc]


# --- answers -----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(NAME, EVENTS, ENDS)
def test_a_whole_reply_reads_as_what_was_said(name: str, events: list[Event], end: End) -> None:
    """A reply keeps its text, its tool calls and its end, and is a message of the official client's types."""
    dialect = dialect_named(name)
    answer = gathered([*events, end])
    reply = dialect.server.reply(Ask(model=CLAUDES[name], prompt="p"), answer, reply_id="f" * 24)
    assert answer == dialect.client.answer(reply)
    assert None is objection("anthropic/Message", msgspec.json.decode(reply.body))
    message = strict_message(reply.body)
    assert (end.prompt_tokens, end.output_tokens) == (message.usage.input_tokens, message.usage.output_tokens)


@settings(deadline=None)
@given(NAME, EVENTS, ENDS, st.data())
def test_a_stream_reads_as_what_was_said(name: str, events: list[Event], end: End, data: st.DataObject) -> None:
    """A streamed reply keeps every token, every call and its end, however the network splits it."""
    dialect = dialect_named(name)
    stream = streamed(dialect, [*events, end])
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    assert [*events, end] == read(dialect, stream, cuts)


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_boundary_is_a_fair_split(name: str) -> None:
    """Split in two at any byte, or fed a byte at a time, a stream reads the same."""
    dialect = dialect_named(name)
    call = ToolCall(id="toolu_1", name="weather", arguments='{"city":"Tromsø \\"N\\""}')
    events: list[Event] = [*map(Token, HOSTILE), call, End(stop="tool", prompt_tokens=3, output_tokens=2)]
    stream = streamed(dialect, events)
    for cut in range(len(stream) + 1):
        assert events == read(dialect, stream, [cut])
    assert events == read(dialect, stream, list(range(1, len(stream))))


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_cut_anywhere_is_never_whole(name: str) -> None:
    """No proper beginning of a stream gives an end: truncated is not success."""
    dialect = dialect_named(name)
    stream = streamed(dialect, [Token("a"), ToolCall(id="t", name="n", arguments="{}"), End(stop="tool")])
    # The last line feed of an event stream may be lost without loss: the event was complete before it.
    for length in range(len(stream.rstrip())):
        assert not any(isinstance(event, End) for event in read(dialect, stream[:length], []))


@pytest.mark.parametrize("name", NAMES)
def test_a_stop_without_its_last_event_is_truncated(name: str) -> None:
    """message_stop without a stop reason before it does not make a stream whole."""
    dialect = dialect_named(name)
    writer = dialect.server.writer(Ask(model="m", prompt="p"), reply_id="0" * 24)
    started = writer.start() + writer.event(Token("a"))
    ended = writer.event(End())
    stop = ended[ended.index(b"event: message_stop") :] if b"event: " in ended else _last_frame(ended)
    assert [Token("a")] == read(dialect, started + stop, [])


def _last_frame(frames: bytes) -> bytes:
    at = 0
    while at + int.from_bytes(frames[at : at + 4]) < len(frames):
        at += int.from_bytes(frames[at : at + 4])
    return frames[at:]


@pytest.mark.parametrize("name", NAMES)
def test_a_megabyte_passes_whole(name: str) -> None:
    """A token and a tool's arguments of 1 MB each pass in one piece and in many."""
    dialect = dialect_named(name)
    text = "naïve 🦜 \n" * 90_000
    arguments = msgspec.json.encode({"text": text}).decode()
    events: list[Event] = [Token(text), ToolCall(id="toolu_1", name="n", arguments=arguments), End(stop="tool")]
    stream = streamed(dialect, events)
    assert events == read(dialect, stream, [])
    assert events == read(dialect, stream, list(range(0, len(stream), 4096)))


@settings(deadline=None)
@given(NAME, EVENTS)
def test_a_reply_without_an_end_has_none(name: str, events: list[Event]) -> None:
    """A stream that ran out before its terminator gives its tokens and calls, and no end."""
    dialect = dialect_named(name)
    assert merged(events) == merged(read(dialect, streamed(dialect, events), []))


@pytest.mark.parametrize("name", NAMES)
def test_a_reply_without_a_stop_reason_has_no_end(name: str) -> None:
    """A whole reply whose stop reason is null has no end."""
    body = {"content": [{"type": "text", "text": "so"}], "stop_reason": None}
    answer = dialect_named(name).client.answer(HttpReply(status=200, body=msgspec.json.encode(body)))
    assert ("so", None) == (answer.text, answer.end)


@pytest.mark.parametrize("name", NAMES)
def test_the_emulated_models_calls_bear_the_platforms_mark(name: str) -> None:
    """An id of the emulated model's own begins as the platform's do; any other passes as it is."""
    mark = {"anthropic-messages": "", "bedrock-invoke": "bdrk_", "vertex-rawpredict": "vrtx_"}[name]
    dialect = dialect_named(name)
    for given_id, expected in (("call_0a1b", f"toolu_{mark}010a1b"), ("mine", "mine")):
        call = ToolCall(id=given_id, name="n", arguments="{}")
        reply = dialect.server.reply(
            Ask(model="m", prompt="p"), gathered([call, End(stop="tool")]), reply_id="0a1b" + "0" * 20
        )
        assert [expected] == [one.id for one in dialect.client.answer(reply).calls]
        read_back = gathered(read(dialect, streamed(dialect, [call, End(stop="tool")]), []))
        assert [expected] == [one.id for one in read_back.calls]


@pytest.mark.parametrize(
    ("model_id", "expected"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-3-7-sonnet-20250219"),
        ("anthropic.claude-3-sonnet-20240229-v1:0:200k", "claude-3-sonnet-20240229"),
        ("global.anthropic.claude-opus-4-6", "claude-opus-4-6"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-3-haiku-20240307-v1:0",
            "claude-3-haiku-20240307",
        ),
        ("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",) * 2,
        ("claude-3-5-sonnet@20240620", "claude-3-5-sonnet-20240620"),
        ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet-20241022"),
    ],
)
def test_the_model_has_one_name_on_all_platforms(model_id: str, expected: str) -> None:
    """A reply names its model as Anthropic does, whatever its platform calls it."""
    assert expected == claude(model_id)


# --- errors ------------------------------------------------------------------------------------------------

KINDS: tuple[RefusalKind, ...] = get_args(RefusalKind)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_crosses_the_wire_before_and_after_the_200(name: str, kind: RefusalKind) -> None:
    """A refusal is read as the kind it is, as a reply and as a stream's last event, with the provider's own name."""
    dialect = dialect_named(name)
    reply = dialect.server.refusal(Refusal(kind), reply_id="0" * 24)
    seen = dialect.client.refusal(reply)
    assert (kind, reply.status) == (seen.kind, seen.status)
    writer = dialect.server.writer(Ask(model="m", prompt="p"), reply_id="0" * 24)
    reader = dialect.client.reader()
    assert [Token("a")] == reader.feed(writer.start() + writer.event(Token("a")))
    with pytest.raises(Refusal) as caught:
        reader.feed(writer.refusal(Refusal(kind, "what happened" if kind not in _BY_SENTENCE else "")))
    assert kind == caught.value.kind
    if kind != "unknown":
        assert seen.code
        assert caught.value.code


_BY_SENTENCE = {"unavailable", "overloaded", "model-error", "too-large"}
"""Kinds for which some provider has no name of its own, so that the sentence tells."""


@settings(max_examples=60, deadline=None)
@given(NAME, st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_a_refusal_or_nothing(name: str, noise: bytes, more: bytes) -> None:
    """Bytes of no dialect give no token and no end, and raise nothing but an unknown refusal."""
    dialect = dialect_named(name)
    reader = dialect.client.reader()
    events: list[Event] = []
    assert refused_as(lambda: events.extend([*reader.feed(noise), *reader.feed(more)])) in {None, "unknown"}
    assert not events
    assert "unknown" == refused_as(lambda: dialect.client.answer(HttpReply(status=200, body=noise)))


@settings(deadline=None)
@given(NAME, st.integers(300, 599), st.binary(max_size=60), st.dictionaries(TEXT, TEXT, max_size=3))
def test_reading_a_refusal_never_raises(name: str, status: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever a broken middlebox sends, the caller gets a refusal with its status."""
    assert status == dialect_named(name).client.refusal(HttpReply(status=status, headers=headers, body=body)).status
