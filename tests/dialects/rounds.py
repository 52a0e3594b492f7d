"""What every dialect's round trips are made of: hostile text, and streams split anywhere."""

import json
from itertools import pairwise
from typing import get_args

import msgspec
from hypothesis import strategies as st

from brownout.wire import (
    Answer,
    Ask,
    Dialect,
    End,
    Event,
    HttpReply,
    HttpRequest,
    Refusal,
    RefusalKind,
    Token,
    Tool,
    ToolCall,
)

KINDS: tuple[RefusalKind, ...] = get_args(RefusalKind)
HOSTILE = st.sampled_from(
    [
        "data: [DONE]\n\n",
        "\r\n\r\n",
        '"}]}}',
        "]",
        "}\r\n,\r\n{",
        "\\u0000\x00",
        "\\ud800",
        "\u2028\u2029\x85",
        "[DONE]",
        "\ufeff",
        "🦜" * 3,
        'data: {"error":{"code":429}}\r\n\r\n',
        "\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb:message-type",
        "é\u0301",
    ]
)
"""Text that looks like the framing of one dialect or another."""

TEXT = st.lists(st.one_of(st.text(max_size=12), HOSTILE), max_size=4).map("".join)
SAID = TEXT.filter(str.strip)
NAMES = st.text("abcdefgh_XYZ019-", min_size=1, max_size=12)
COUNTS = st.integers(0, 2**30 - 1)
SCHEMAS = st.sampled_from(
    [{}, {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}]
)
TOOLS = st.lists(st.builds(Tool, name=NAMES, schema=SCHEMAS), max_size=3, unique_by=lambda tool: tool.name).map(tuple)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.booleans()), max_size=3)
CALLS = st.builds(
    ToolCall,
    id=NAMES.map("id-{}".format),
    name=NAMES,
    arguments=ARGUMENTS.map(lambda held: json.dumps(held, ensure_ascii=False, separators=(",", ":"))),
)
TOKENS = st.lists(TEXT.filter(bool).map(Token), max_size=6)


def asks(*, tiers: list[str]) -> st.SearchStrategy[Ask]:
    """Return asks whose choice of tool is one that the tools allow, and whose prompt ends in the user's turn."""

    def settle(ask: Ask, system: str, choice: int) -> Ask:
        choices = ["", "any", *(tool.name for tool in ask.tools)] if ask.tools else [""]
        return msgspec.structs.replace(
            ask,
            prompt=f"{system}\n{ask.turn}" if system else ask.turn,
            tool_choice=choices[choice % len(choices)],
            max_tokens=ask.max_tokens if ask.bounded else 256,
        )

    plain = st.builds(
        Ask,
        model=st.just("m-1"),
        prompt=st.just(""),
        turn=SAID,
        max_tokens=st.integers(1, 4096),
        stream=st.booleans(),
        bounded=st.booleans(),
        stops=st.lists(SAID, max_size=3).map(tuple),
        tools=TOOLS,
        tier=st.sampled_from(tiers),
    )
    return st.builds(settle, plain, st.one_of(st.just(""), SAID), st.integers(0, 9))


def whole(dialect: Dialect, ask: Ask, answer: Answer) -> HttpReply:
    """Return an answer as the endpoint writes it at once."""
    return dialect.server.reply(ask, answer, reply_id="r-1")


def stream(dialect: Dialect, ask: Ask, events: list[Event]) -> bytes:
    """Return events as the endpoint streams them."""
    writer = dialect.server.writer(ask, reply_id="r-1")
    return writer.start() + b"".join(writer.event(event) for event in events)


def read(dialect: Dialect, data: bytes, cuts: list[int]) -> list[Event]:
    """Return what the caller reads of a stream that arrives in pieces."""
    reader = dialect.client.reader()
    edges = [0, *sorted(cuts), len(data)]
    return [event for start, end in pairwise(edges) for event in reader.feed(data[start:end])]


def is_end(event: Event) -> bool:
    """Return whether an event ends the answer."""
    return isinstance(event, End)


def refused(dialect: Dialect, request: HttpRequest) -> Refusal | None:
    """Return the refusal of a request; None when it is read."""
    try:
        dialect.server.read_ask(request)
    except Refusal as refusal:
        return refusal
    return None


def unread(dialect: Dialect, *pieces: bytes) -> RefusalKind | None:
    """Return the kind of the refusal that these bytes are to a caller; None where they are nothing at all."""
    reader = dialect.client.reader()
    try:
        events = [event for piece in pieces for event in reader.feed(piece)]
    except Refusal as refusal:
        return refusal.kind
    assert not events
    return None


def assert_kind_and_wait_kept(dialect: Dialect, kind: RefusalKind, wait_ms: int | None) -> None:
    """Hold that a refusal crosses the wire with its kind, and never with an earlier return than was said."""
    wait_s = None if wait_ms is None else wait_ms / 1000
    reply = dialect.server.refusal(Refusal(kind, retry_after_s=wait_s), reply_id="r-1")
    got = dialect.client.refusal(reply)
    assert (kind, reply.status) == (got.kind, got.status)
    if wait_s is None:
        assert got.retry_after_s is None
    else:
        assert got.retry_after_s is not None
        slack_s = 1.0 if kind == "unknown" else 0.0011  # the unknown error bears whole seconds only
        assert wait_s <= got.retry_after_s + 1e-9 <= wait_s + slack_s
