"""What faults in the frames of a stream do to the bytes, in every dialect and whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects import DIALECTS
from brownout.dialects.vertex_request import GenerateAsk
from brownout.fault import WireFault, make_fault
from brownout.wire import Ask, End, Event, HttpReply, Refusal, StreamWriter, Token
from faults._frames import framing
from tests.dialects.rounds import TEXT
from tests.faults.exchanges import FakeExchange

_PLAIN = Ask(model="m", prompt="p")
_ASKS = {**dict.fromkeys(DIALECTS, _PLAIN), "vertex-array": GenerateAsk(model="m", prompt="p", as_array=True)}
_FRAMING = {
    "anthropic-messages": "sse",
    "bedrock-converse": "eventstream",
    "bedrock-invoke": "eventstream",
    "openai-chat": "sse",
    "sagemaker-invoke": "eventstream",
    "vertex-generate": "sse",
    "vertex-rawpredict": "sse",
    "vertex-array": "array",
}
NAMES = st.sampled_from(sorted(_ASKS))
TOKENS = st.lists(TEXT.filter(str.strip).map(Token), min_size=3, max_size=6)


def _writer(name: str) -> StreamWriter:
    dialect = DIALECTS[name.replace("array", "generate")]
    return dialect.server.writer(_ASKS[name], reply_id="r-1")


def _faulted(name: str, kind: str, exchange: FakeExchange, **settings: object) -> StreamWriter:
    fault = make_fault(kind, settings)
    assert isinstance(fault, WireFault)
    return fault.writer(exchange, _writer(name))


def _read(name: str, writer: StreamWriter, events: list[Event]) -> tuple[list[Event], Refusal | None]:
    """Return what a caller reads, frame by frame, and the refusal that it meets."""
    reader = DIALECTS[name.replace("array", "generate")].client.reader()
    got: list[Event] = []
    try:
        got += reader.feed(writer.start())
        for event in events:
            got += reader.feed(writer.event(event))
    except Refusal as refusal:
        return got, refusal
    return got, None


@given(NAMES, TEXT.filter(bool))
def test_a_frames_framing_is_known_by_its_bytes(name: str, text: str) -> None:
    """Whatever the text, for the first token and the next."""
    writer = _writer(name)
    writer.start()
    assert [_FRAMING[name]] * 2 == [framing(writer.event(Token(text))) for _ in range(2)]


@given(NAMES, TOKENS, st.integers(1, 2), st.integers(1, 3))
def test_a_duplicate_is_read_as_often_as_it_was_sent(
    name: str, tokens: list[Token], after_tokens: int, copies: int
) -> None:
    """One token comes again, at its place, and nothing else changes."""
    exchange = FakeExchange()
    writer = _faulted(name, "duplicated-chunk", exchange, after_tokens=after_tokens, copies=copies)
    got, refusal = _read(name, writer, [*tokens, End()])
    again = [tokens[after_tokens]] * copies
    assert ([*tokens[:after_tokens], *again, *tokens[after_tokens:]], None) == (got[:-1], refusal)
    assert (True, 1) == (isinstance(got[-1], End), exchange.firings)


@given(NAMES, TOKENS, st.integers(1, 8))
def test_a_reordered_stream_has_the_same_tokens_two_of_them_swapped(
    name: str, tokens: list[Token], after_tokens: int
) -> None:
    """Where there is no next token all is in order, nothing is lost, and nothing is claimed."""
    exchange = FakeExchange()
    got, refusal = _read(name, _faulted(name, "reordered-chunk", exchange, after_tokens=after_tokens), [*tokens, End()])
    place = after_tokens
    swapped = [*tokens[:place], *reversed(tokens[place : place + 2]), *tokens[place + 2 :]]
    assert (swapped, None, True) == (got[:-1], refusal, isinstance(got[-1], End))
    assert (place + 1 < len(tokens)) is bool(exchange.firings)


@pytest.mark.parametrize("name", sorted(_ASKS))
def test_an_error_comes_after_the_chunk_that_was_held_back(name: str) -> None:
    """A late chunk is not lost to an error that follows it."""
    writer = _faulted(name, "reordered-chunk", FakeExchange(), after_tokens=1)
    sent = writer.start() + writer.event(Token("a")) + writer.event(Token("b"))
    late = writer.refusal(Refusal("internal"))
    assert (False, True) == (b'"b"' in sent, len(late) > len(_writer(name).refusal(Refusal("internal"))))


@given(NAMES, TOKENS, st.sampled_from(["garbage", "truncated-json", "bad-crc"]), st.integers(1, 2))
def test_a_malformed_chunk_is_never_read_as_a_token(
    name: str, tokens: list[Token], how: str, after_tokens: int
) -> None:
    """What came before it is read; then it is met, or it swallows what follows; never is the stream whole."""
    exchange = FakeExchange()
    got, refusal = _read(
        name, _faulted(name, "malformed-chunk", exchange, how=how, after_tokens=after_tokens), [*tokens, End()]
    )
    if how == "bad-crc" and _FRAMING[name] != "eventstream":
        assert (tokens, None, 0) == (got[:-1], refusal, exchange.firings)
        return
    assert (tokens[:after_tokens], 1) == (got[:after_tokens], exchange.firings)
    assert refusal is None or refusal.kind == "unknown"
    assert (
        tokens[after_tokens] not in got[after_tokens : after_tokens + 1]
        or tokens[after_tokens] in tokens[after_tokens + 1 :]
    )
    assert refusal is not None or not any(isinstance(event, End) for event in got)


_WIRED = st.sampled_from(
    [
        ("duplicated-chunk", {}),
        ("reordered-chunk", {}),
        *(("malformed-chunk", {"how": how}) for how in ("garbage", "truncated-json", "bad-crc")),
    ]
)


@given(NAMES, TOKENS, st.lists(st.tuples(_WIRED, st.integers(1, 3)), min_size=2, max_size=4))
def test_any_of_them_over_any_other_only_does_what_it_does(
    name: str, tokens: list[Token], chain: list[tuple[tuple[str, dict[str, str]], int]]
) -> None:
    """What one holds back or breaks is no trouble to the next: a caller reads the stream, or meets what is broken."""
    writer = _writer(name)
    exchanges = []
    for (kind, settings), after_tokens in chain:
        fault = make_fault(kind, settings | {"after_tokens": after_tokens})
        assert isinstance(fault, WireFault)
        exchanges.append(FakeExchange())
        writer = fault.writer(exchanges[-1], writer)
    got, refusal = _read(name, writer, [*tokens, End()])
    broken = any(one.firings and not one.falsified for one in exchanges)
    if not broken:
        assert (None, True) == (refusal, isinstance(got[-1], End))
        assert {token.text for token in tokens} == {event.text for event in got if isinstance(event, Token)}
    assert refusal is None or (refusal.kind, broken) == ("unknown", True)


@pytest.mark.parametrize("name", sorted(_ASKS))
def test_a_chunk_that_is_held_back_is_malformed_when_it_comes(name: str) -> None:
    """It is the next frames that are sent, and nothing is claimed before."""
    exchange = FakeExchange()
    late = _faulted(name, "reordered-chunk", FakeExchange(), after_tokens=1)
    fault = make_fault("malformed-chunk", {"after_tokens": 1})
    assert isinstance(fault, WireFault)
    writer = fault.writer(exchange, late)
    writer.start()
    fired = [(bool(writer.event(Token(text))), exchange.firings) for text in "abc"]
    assert [(True, 0), (False, 0), (True, 1)] == fired


@pytest.mark.parametrize("how", ["garbage", "truncated-json", "bad-crc"])
def test_only_a_body_that_is_an_answer_is_malformed(how: str) -> None:
    """An error, or the head of a stream, passes; so does what has no checksum, where that is what breaks."""
    fault = make_fault("malformed-chunk", {"how": how})
    assert isinstance(fault, WireFault)
    exchange = FakeExchange()
    for reply in (HttpReply(status=429, body=b"{}"), HttpReply(status=200)):
        assert reply == fault.whole(exchange, reply)
    assert 0 == exchange.firings
    answer = HttpReply(status=200, body=b'{"a":"b"}')
    changed = fault.whole(exchange, answer)
    assert (how != "bad-crc", how != "bad-crc") == (changed != answer, bool(exchange.firings))


def test_a_label_that_is_right_is_not_claimed_to_be_wrong() -> None:
    """Whatever case the header's name is in, there is one; nothing fired where nothing changed."""
    fault = make_fault("wrong-content-type", {"content_type": "text/html"})
    assert isinstance(fault, WireFault)
    exchange = FakeExchange()
    html = HttpReply(status=200, headers={"Content-Type": "text/html"})
    assert (html, 0) == (fault.whole(exchange, html), exchange.firings)
    changed = fault.whole(exchange, HttpReply(status=200, headers={"content-type": "application/json", "X": "y"}))
    assert ({"X": "y", "Content-Type": "text/html"}, 1) == (changed.headers, exchange.firings)
