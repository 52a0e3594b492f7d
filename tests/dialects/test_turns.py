"""A conversation in which tools were called is passed on whole: arguments, results and words, in every dialect."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects import DIALECTS
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.dialects.turns import conversation, is_object
from brownout.wire import Ask, HttpRequest, Tool, ToolCall, ToolResult, Turn
from tests.dialects.rounds import NAMES, SAID, TEXT

MODELS = {
    "anthropic-messages": "claude-haiku-4-5-20251001",
    "bedrock-invoke": "anthropic.claude-3-haiku-20240307-v1:0",
    "vertex-rawpredict": "claude-3-5-sonnet@20240620",
}
ARGUMENTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(-(2**53), 2**53), st.booleans(), st.none()), max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Return conversations as every provider takes them: some words, calls and their results, again and again."""
    turns = [Turn("system", tuple(draw(st.lists(SAID, min_size=1, max_size=2))))] if draw(st.booleans()) else []
    turns.append(Turn("user", tuple(draw(st.lists(SAID, min_size=1, max_size=2)))))
    for round_ in range(draw(st.integers(1, 3))):
        calls = [
            ToolCall(
                id=f"call_{round_}_{number}",
                name=f"f{draw(NAMES)}",
                arguments=json.dumps(draw(ARGUMENTS), ensure_ascii=False, separators=(",", ":")),
            )
            for number in range(draw(st.integers(1, 2)))
        ]
        results = [ToolResult(id=call.id, name=call.name, text=draw(SAID)) for call in calls]
        turns.append(Turn("assistant", (*draw(st.lists(SAID, max_size=1)), *calls)))
        turns.append(Turn("user", (*results, *draw(st.lists(SAID, max_size=2)))))
        if draw(st.booleans()):
            turns += [Turn("assistant", (draw(SAID),)), Turn("user", (draw(SAID),))]
    return tuple(turns)


def ask_of(dialect: str, turns: tuple[Turn, ...]) -> Ask:
    """Return an ask for the answer to a conversation, with the tools offered that were called."""
    names = sorted({part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)})
    schema = {"type": "object", "properties": {}}
    tools = tuple(Tool(name, schema) for name in names)
    return Ask(model=MODELS.get(dialect, "m-1"), prompt="not this", turns=turns, tools=tools)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@given(turns=conversations())
def test_a_conversation_with_tools_comes_back_as_it_was_sent(dialect: str, turns: tuple[Turn, ...]) -> None:
    """The request is one that the endpoint takes, and says every turn."""
    one = DIALECTS[dialect]
    request = one.client.request(ask_of(dialect, turns), project="p-1", location="us-east5")
    assert turns == one.server.read_ask(request).turns


@given(conversations())
def test_what_every_provider_takes_is_left_as_it_is(turns: tuple[Turn, ...]) -> None:
    """To put it in order once more changes nothing."""
    assert turns == conversation(turns)


CALL = ToolCall(id="c1", name="f", arguments='{"path":"a.txt"}')
RESULT = ToolResult(id="c1", name="f", text="it says")
ASKED, CALLED, GIVEN = Turn("user", ("hello",)), Turn("assistant", (CALL,)), Turn("user", (RESULT,))


def test_what_several_say_in_a_row_is_one_turn_in_order() -> None:
    """Instructions first, results before words, calls after them; what is blank is left out."""
    said = [
        ASKED,
        Turn("assistant", (CALL, "let me see")),
        Turn("user", ("thanks",)),
        Turn("user", (" \n", RESULT)),
        Turn("system", ("be brief",)),
    ]
    expected = (
        Turn("system", ("be brief",)),
        ASKED,
        Turn("assistant", ("let me see", CALL)),
        Turn("user", (RESULT, "thanks")),
    )
    assert expected == conversation(said)


@pytest.mark.parametrize(
    "said",
    [
        [],
        [ASKED, Turn("assistant", ("well",)), ASKED],
        [CALLED, GIVEN],
        [ASKED, CALLED],
        [ASKED, CALLED, ASKED],
        [GIVEN, CALLED, GIVEN],
        [ASKED, CALLED, GIVEN, Turn("assistant", ("so",))],
        [ASKED, Turn("assistant", (ToolCall(id="c1", name="f", arguments="[1"),)), GIVEN],
        [ASKED, Turn("assistant", (ToolCall(id="c1", name="f", arguments="[1]"),)), GIVEN],
    ],
    ids=["none", "no call", "no user", "no result", "no answer", "no call for it", "no end", "no JSON", "no object"],
)
def test_what_not_every_provider_takes_is_no_conversation(said: list[Turn]) -> None:
    """It is told as a prompt then, as it always was."""
    assert () == conversation(said)


@given(TEXT)
def test_only_an_object_is_arguments(text: str) -> None:
    """Whatever else a model wrote is none, and breaks nothing."""
    try:
        expected = isinstance(json.loads(text), dict)
    except ValueError:
        expected = False
    assert expected == is_object(text)


def chat(**changes: Any) -> HttpRequest:
    """Return a chat in which a tool was called; what is changed to None is left out."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{ "n": 1.50e3 }'}}
    body: dict[str, Any] = {
        "model": "m-1",
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "it says"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    }
    told = {name: value for name, value in (body | changes).items() if value is not None}
    return HttpRequest(method="POST", path="/v1/chat/completions", body=json.dumps(told).encode())


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_arguments_are_passed_on_to_the_letter(dialect: str) -> None:
    """A number stays written as it was; who passes them on has no business in them."""
    ask = OPENAI_CHAT.server.read_ask(chat())
    sent = DIALECTS[dialect].client.request(ask, project="p-1", location="us-east5").body
    assert b"1.50e3" in sent


def test_who_offers_no_tools_has_no_turns_told() -> None:
    """Bedrock takes no calls from who declares no tools: what was said is told as a prompt then."""
    ask = OPENAI_CHAT.server.read_ask(chat(tools=None))
    assert ((), "hello\nit says") == (ask.turns, ask.prompt)


def test_a_chat_without_calls_has_no_turns() -> None:
    """And is passed on as it always was."""
    ask = OPENAI_CHAT.server.read_ask(chat(messages=[{"role": "user", "content": "hello"}]))
    assert ((), "hello") == (ask.turns, ask.prompt)
