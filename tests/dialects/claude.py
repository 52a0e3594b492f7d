"""What the tests of Claude's three dialects share: strategies, and the official client's types read strictly."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pydantic
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import strategies as st

from brownout.dialects import dialect_named
from brownout.wire import Ask, Dialect, End, Event, HttpRequest, Refusal, RefusalKind, Token, Tool, ToolCall

CLAUDES: dict[str, str] = {
    "anthropic-messages": "claude-haiku-4-5-20251001",
    "bedrock-invoke": "anthropic.claude-3-haiku-20240307-v1:0",
    "vertex-rawpredict": "claude-3-5-sonnet@20240620",
}
"""The three dialects, each with a model in its platform's words."""

HOSTILE = [
    "data: [DONE]\n\n",
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    '"}}\n\nevent: error\ndata: {"type":"error"}\n\n',
    "\r\n\r\n",
    "\\u0000\x00",
    "\u2028\u2029\x85",
    "\x00\x00\x00\x8b\x00\x00\x00\x4b",
    "\ufeff",
    "🦜" * 3,
    "e\u0301é",
    "\\ud83d",
]
TEXT = st.lists(st.one_of(st.text(max_size=12), st.sampled_from(HOSTILE)), max_size=4).map("".join)
WORDS = TEXT.filter(str.strip)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXT), max_size=4).map(
    lambda value: msgspec.json.encode(value).decode()
)
CALLS = st.builds(ToolCall, id=NAMES.map("toolu_{}".format), name=NAMES, arguments=ARGUMENTS)
COUNTS = st.integers(0, 10**9)
STOPS = st.sampled_from(["stop", "length", "stop-sequence", "tool", "filtered"])
ENDS = st.builds(End, stop=STOPS, prompt_tokens=COUNTS, output_tokens=COUNTS, stop_sequence=TEXT)
EVENTS: st.SearchStrategy[list[Event]] = st.lists(st.one_of(TEXT.filter(bool).map(Token), CALLS), max_size=6)
TOOLS = st.lists(
    st.builds(Tool, NAMES, st.just({"type": "object", "properties": {"q": {"type": "string"}}})),
    max_size=3,
    unique_by=lambda tool: tool.name,
)
_EVENT = pydantic.TypeAdapter[Any](RawMessageStreamEvent)


@st.composite
def asks(draw: st.DrawFn, model: str) -> Ask:
    """Return asks that a caller's half can say whole."""
    turn, tools = draw(WORDS), tuple(draw(TOOLS))
    return Ask(
        model=model,
        prompt=draw(st.sampled_from([turn, f"be brief\n{turn}"])),
        turn=turn,
        max_tokens=draw(st.integers(0, 64_000)),
        stream=draw(st.booleans()),
        stops=tuple(draw(st.lists(WORDS, max_size=3))),
        tools=tools,
        tool_choice=draw(st.sampled_from(["", "any", "none", *(tool.name for tool in tools)])) if tools else "",
    )


def sent(dialect: Dialect, ask: Ask) -> HttpRequest:
    """Return the request that the caller's half makes."""
    return dialect.client.request(ask, project="p-1", location="us-east5")


def changed(name: str, change: dict[str, Any], *, stream: bool = False, count: bool = False) -> HttpRequest:
    """Return a plain request with other members in its body; those that are ``...`` are left out."""
    dialect = dialect_named(name)
    request = sent(dialect, Ask(model=CLAUDES[name], prompt="hello", stream=stream, count=count))
    body = {key: value for key, value in (msgspec.json.decode(request.body) | change).items() if value is not ...}
    return msgspec.structs.replace(request, body=msgspec.json.encode(body))


def streamed(dialect: Dialect, events: list[Event], *, model: str = "claude-x", reply_id: str = "0" * 24) -> bytes:
    """Return a stream whole."""
    writer = dialect.server.writer(Ask(model=model, prompt="hello"), reply_id=reply_id)
    return writer.start() + b"".join(writer.event(event) for event in events)


def read(dialect: Dialect, data: bytes, cuts: list[int]) -> list[Event]:
    """Return what the caller's half reads of a stream that is split at these places."""
    reader = dialect.client.reader()
    edges = [0, *sorted(cuts), len(data)]
    return [event for start, end in pairwise(edges) for event in reader.feed(data[start:end])]


def merged(events: list[Event]) -> list[Event]:
    """Return events with the pieces of one text joined."""
    out: list[Event] = []
    for event in events:
        if isinstance(event, Token) and out and isinstance(out[-1], Token):
            out[-1] = Token(out[-1].text + event.text)
        else:
            out.append(event)
    return out


def refused_as(verb: Callable[[], object]) -> RefusalKind | None:
    """Return the kind of the refusal that a verb raises; None when it raises none."""
    try:
        verb()
    except Refusal as refusal:
        return refusal.kind
    return None


def strict_message(body: bytes) -> Message:
    """Return a whole reply as the official client types it; fails where it has a member that the types do not know."""
    message = Message.model_validate_json(body, strict=True)
    assert [] == list(_strangers(message))
    return message


def strict_event(data: bytes) -> Any:
    """Return an event's data as the official client types it; fails as `strict_message` does."""
    event = _EVENT.validate_json(data, strict=True)
    assert [] == list(_strangers(event))
    return event


def _strangers(value: object) -> Iterator[str]:
    if isinstance(value, pydantic.BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from _strangers(getattr(value, name))
    elif isinstance(value, list):
        for one in value:
            yield from _strangers(one)
