"""Both halves of every dialect agree, whatever the text and however the bytes are split."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects import dialect_named
from brownout.dialects.openai_requests import ChatAsk
from brownout.dialects.sse import SseSplitter
from brownout.wire import Answer, Ask, Dialect, End, Event, HttpReply, HttpRequest, Refusal, RefusalKind, Token
from tests.dialects.rounds import assert_kind_and_wait_kept

KINDS: tuple[RefusalKind, ...] = get_args(RefusalKind)
HOSTILE = st.sampled_from(
    [
        "data: [DONE]\n\n",
        "\r\n\r\n",
        '"}]}}',
        "\\u0000\x00",
        "\u2028\u2029\x85",
        "[DONE]",
        "\ufeff",
        "🦜" * 3,
        'data: {"error":{"code":429}}\r\n\r\n',
        "é\u0301",
    ]
)
TEXT = st.lists(st.one_of(st.text(max_size=12), HOSTILE), max_size=4).map("".join)
TOKENS = st.lists(TEXT.filter(bool).map(Token), max_size=6)
COUNTS = st.integers(min_value=0, max_value=10**9)
ENDS = st.builds(End, stop=st.sampled_from(["stop", "length"]), prompt_tokens=COUNTS, output_tokens=COUNTS)
DIALECTS = {"openai-chat": dialect_named("openai-chat")}
"""The others have files of their own."""

DIALECT = st.sampled_from(list(DIALECTS.values()))
MODELS = st.sampled_from(
    [
        "gemini-2.0-flash",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
    ]
)


def _kind(verb: Callable[[], object]) -> RefusalKind | None:
    """Return the kind of the refusal that a verb raises; None when it raises none and gives nothing."""
    try:
        given_back = verb()
    except Refusal as refusal:
        return refusal.kind
    assert not given_back
    return None


def _request(dialect: Dialect, ask: Ask) -> HttpRequest:
    return dialect.client.request(ask, project="p-1", location="us-central1")


def _events(dialect: Dialect, data: bytes, cuts: list[int]) -> list[Event]:
    reader = dialect.client.reader()
    edges = [0, *sorted(cuts), len(data)]
    return [event for start, end in pairwise(edges) for event in reader.feed(data[start:end])]


def _stream(dialect: Dialect, events: list[Event]) -> bytes:
    writer = dialect.server.writer(Ask(model="m", prompt="p"), reply_id="r-1")
    return writer.start() + b"".join(writer.event(event) for event in events)


@given(DIALECT, MODELS, TEXT.filter(str.strip), st.integers(1, 4096), st.booleans())
def test_a_request_reads_as_what_was_asked(
    dialect: Dialect,
    model: str,
    prompt: str,
    max_tokens: int,
    stream: bool,  # noqa: FBT001 - drawn
) -> None:
    """The endpoint's half reads back exactly what the caller's half wrote."""
    ask = Ask(model=model, prompt=prompt, max_tokens=max_tokens, stream=stream, turn=prompt)
    assert ask == dialect.server.read_ask(_request(dialect, ask))


def test_a_special_ask_reads_as_itself() -> None:
    """A stream without usage is told from the plain ones."""
    ask = ChatAsk(model="m", prompt="p", turn="p", metered=False)
    dialect = dialect_named("openai-chat")
    assert ask == dialect.server.read_ask(_request(dialect, ask))


@given(DIALECT, TEXT, ENDS)
def test_a_whole_reply_reads_as_what_was_said(dialect: Dialect, text: str, end: End) -> None:
    """A reply that is not streamed keeps its text, its stop reason and its cost."""
    reply = dialect.server.reply(Ask(model="m", prompt="p"), Answer(text=text, end=end), reply_id="r-1")
    answer = dialect.client.answer(reply)
    assert (200, text, end) == (reply.status, answer.text, answer.end)


@given(DIALECT, TOKENS, ENDS, st.data())
def test_a_stream_reads_as_what_was_said(dialect: Dialect, tokens: list[Token], end: End, data: st.DataObject) -> None:
    """A streamed reply keeps every token and its end, however the network splits it."""
    events: list[Event] = [*tokens, end]
    stream = _stream(dialect, events)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    assert events == _events(dialect, stream, cuts)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_every_byte_boundary_is_a_fair_split(dialect: Dialect) -> None:
    """Split in two at any byte, or fed a byte at a time, a stream reads the same."""
    events: list[Event] = [Token("hé"), Token("\r\n🦜"), End(stop="length", prompt_tokens=3, output_tokens=2)]
    stream = _stream(dialect, events)
    for cut in range(len(stream) + 1):
        assert events == _events(dialect, stream, [cut])
    assert events == _events(dialect, stream, list(range(1, len(stream))))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_stream_cut_anywhere_is_never_whole(dialect: Dialect) -> None:
    """No proper beginning of a stream gives an end: truncated is not success."""
    stream = _stream(dialect, [Token("a"), Token("b"), End()])
    # The last line feed of an event stream may be lost without loss: the event was complete before it.
    for length in range(len(stream.rstrip())):
        assert not any(isinstance(event, End) for event in _events(dialect, stream[:length], []))


@given(DIALECT, st.binary(max_size=200), st.binary(max_size=200))
def test_noise_is_a_refusal_or_nothing(dialect: Dialect, noise: bytes, more: bytes) -> None:
    """Bytes of no dialect give no token and no end, and raise nothing but an unknown refusal."""
    reader = dialect.client.reader()
    assert _kind(lambda: reader.feed(noise) or reader.feed(more)) in {None, "unknown"}


@given(DIALECT, st.sampled_from(KINDS), st.one_of(st.none(), st.integers(0, 600_000)))
def test_a_refusal_keeps_its_kind_and_its_wait(dialect: Dialect, kind: RefusalKind, wait_ms: int | None) -> None:
    """A refusal crosses the wire with its kind, and when to come back is never earlier than was said."""
    assert_kind_and_wait_kept(dialect, kind, wait_ms)


@given(DIALECT, st.sampled_from([kind for kind in KINDS if kind not in {"overloaded", "unavailable"}]), TEXT)
def test_a_refusal_keeps_its_sentence(dialect: Dialect, kind: RefusalKind, message: str) -> None:
    """A sentence of the refusal's own replaces the provider's usual one, and changes nothing else."""
    read = dialect.client.refusal(dialect.server.refusal(Refusal(kind, message), reply_id="r-1"))
    assert kind == read.kind
    if message and kind != "unknown":
        assert message == read.message


@given(DIALECT, st.sampled_from(KINDS), TOKENS)
def test_a_refusal_within_a_stream_keeps_its_kind(dialect: Dialect, kind: RefusalKind, tokens: list[Token]) -> None:
    """An error after the 200 is raised by the reader, as the kind it is."""
    writer = dialect.server.writer(Ask(model="m", prompt="p"), reply_id="r-1")
    reader = dialect.client.reader()
    assert list(tokens) == reader.feed(writer.start() + b"".join(writer.event(token) for token in tokens))
    with pytest.raises(Refusal) as caught:
        reader.feed(writer.refusal(Refusal(kind)))
    assert kind == caught.value.kind


@given(DIALECT, st.integers(300, 599), st.binary(max_size=60), st.dictionaries(TEXT, TEXT, max_size=3))
def test_reading_a_refusal_never_raises(dialect: Dialect, status: int, body: bytes, headers: dict[str, str]) -> None:
    """Whatever a broken middlebox sends, the caller gets a refusal with its status."""
    assert status == dialect.client.refusal(HttpReply(status=status, headers=headers, body=body)).status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"retry-after": "2", "retry-after-ms": "150"}, 0.15),
        ({"retry-after": "nan", "retry-after-ms": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
    ],
)
def test_retry_after_is_read_most_precise_first(headers: dict[str, str], expected: float | None) -> None:
    """Milliseconds win over seconds, dates count from the reply's own date, and nonsense is no answer."""
    client = dialect_named("openai-chat").client
    assert expected == client.refusal(HttpReply(status=429, headers=headers)).retry_after_s


def _changed(dialect: Dialect, change: dict[str, Any]) -> HttpRequest:
    request = _request(dialect, Ask(model="m-1", prompt="p", stream=False))
    body = msgspec.json.decode(request.body) | change
    body = {name: value for name, value in body.items() if value != "absent"}
    return msgspec.structs.replace(request, body=msgspec.json.encode(body))


BAD_BODIES: list[tuple[str, dict[str, Any]]] = [
    ("openai-chat", {"messages": "absent"}),
    ("openai-chat", {"messages": "hello"}),
    ("openai-chat", {"messages": [{"role": "user"}]}),
    ("openai-chat", {"model": 3}),
    ("openai-chat", {"temperature": 3}),
    ("openai-chat", {"stream_options": {"include_usage": True}}),
]


@pytest.mark.parametrize(("name", "change"), BAD_BODIES)
def test_what_the_real_service_would_reject_is_rejected(name: str, change: dict[str, Any]) -> None:
    """A body of the wrong shape is the provider's 400, with a sentence that says why."""
    dialect = dialect_named(name)
    with pytest.raises(Refusal) as caught:
        dialect.server.read_ask(_changed(dialect, change))
    assert "invalid" == caught.value.kind
    assert caught.value.message
    assert 400 == dialect.server.refusal(caught.value, reply_id="r-1").status


@given(DIALECT, st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5), st.data())
def test_no_body_breaks_an_endpoint(dialect: Dialect, junk: object, data: st.DataObject) -> None:
    """Any JSON at all in any member of the body is read or refused; nothing else happens."""
    request = _request(dialect, Ask(model="m-1", prompt="p", stream=False))
    body = msgspec.json.decode(request.body)
    place = data.draw(st.sampled_from([*body, "system", "systemInstruction", "stream"]))
    changed = msgspec.structs.replace(request, body=msgspec.json.encode(body | {place: junk}))
    assert _kind(lambda: dialect.server.read_ask(changed) and None) in {None, "invalid"}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@pytest.mark.parametrize(("method", "path"), [("GET", None), ("POST", "/"), ("POST", "/v2/model//converse")])
def test_another_path_or_method_is_not_found(dialect: Dialect, method: str, path: str | None) -> None:
    """A path of another shape, or the right one by another method, is not found."""
    request = _request(dialect, Ask(model="m-1", prompt="p"))
    changed = msgspec.structs.replace(request, method=method, path=path or request.path)
    with pytest.raises(Refusal) as caught:
        dialect.server.read_ask(changed)
    assert "not-found" == caught.value.kind


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), min_size=1, max_size=3), max_size=4
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.data(),
)
def test_event_lines_end_in_lf_or_crlf(events: list[list[str]], newline: str, data: st.DataObject) -> None:
    """Events are split the same for either line end, at any byte boundary, comments passed over."""
    lines = [line for event in events for line in (": note", "event: x", *(f"data: {part}" for part in event), "")]
    stream = "".join(line + newline for line in lines).encode()
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6))), len(stream)]
    splitter = SseSplitter()
    payloads = [p for a, b in pairwise(cuts) for p in splitter.feed(stream[a:b])]
    assert ["\n".join(event).encode() for event in events] == payloads


def test_done_without_a_finish_reason_is_truncated() -> None:
    """``[DONE]`` alone does not make a completion whole."""
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n'
    assert [Token("a")] == _events(dialect_named("openai-chat"), chunk, [])
