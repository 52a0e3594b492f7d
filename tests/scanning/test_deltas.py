"""What a stream says a few characters at a time is put together again, whatever the protocol."""

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.dialects.eventstream import encode_frame, encode_headers
from brownout.scanning import Scanner
from tests.scanning.forms import MINT, gzipped

_HEADERS = encode_headers({":event-type": "chunk", ":content-type": "application/json"})


def openai(piece: str, number: int) -> bytes:
    """Return an event of OpenAI's."""
    delta = {
        "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}],
        "obfuscation": "ab" * (number % 5),
    }
    return b"data: " + json.dumps({"id": "chatcmpl-123", "object": "chat.completion.chunk", **delta}).encode() + b"\n\n"


def anthropic(piece: str, _: int) -> bytes:
    """Return an event of Anthropic's."""
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
    return b"event: content_block_delta\r\ndata: " + json.dumps(event, separators=(",", ":")).encode() + b"\r\n\r\n"


def gemini(piece: str, number: int) -> bytes:
    """Return an element of a streamed array, as Vertex AI indents it."""
    text = json.dumps({"candidates": [{"content": {"parts": [{"text": piece}]}}]}, indent=2)
    return (b"," if number else b"[") + text.encode() + b"\n"


def lines(piece: str, _: int) -> bytes:
    """Return a line of JSON."""
    return json.dumps({"model": "m", "response": piece}).encode() + b"\n"


def converse(piece: str, number: int) -> bytes:
    """Return a frame of Bedrock's Converse, padded as these are."""
    payload = {"contentBlockIndex": 0, "delta": {"text": piece}, "p": "abcdefghijk"[: number % 11]}
    return encode_frame(_HEADERS, json.dumps(payload).encode())


def invoke(piece: str, number: int) -> bytes:
    """Return a frame of Bedrock's InvokeModel, whose payload holds base64."""
    inner = base64.b64encode(anthropic(piece, 0).partition(b"data: ")[2].strip()).decode()
    return encode_frame(_HEADERS, json.dumps({"bytes": inner, "p": "abcdefghijk"[: number % 11]}).encode())


def arguments(piece: str, _: int) -> bytes:
    """Return a tool call's arguments, JSON in pieces of JSON."""
    return b'data: {"delta":{"partial_json":' + json.dumps(piece).encode() + b"}}\n\n"


def logged(piece: str, number: int) -> bytes:
    """Return an event as a log has it: a string within a line of JSON."""
    return json.dumps({"level": "debug", "message": anthropic(piece, number).decode()}).encode() + b"\n"


PROTOCOLS = [openai, anthropic, gemini, lines, converse, invoke, arguments, logged]


def canaries(data: bytes, chunk: int) -> set[str]:
    """Return the ids of what a scan sees."""
    scanner = Scanner(MINT)
    seen = [one for at in range(0, len(data), chunk) for one in scanner.feed(data[at : at + chunk])]
    return {one.canary for one in [*seen, *scanner.close()]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(
    st.integers(1, 9),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.integers(1, 300),
    st.integers(0, 2**32 - 1),
)
def test_a_canary_in_pieces_is_put_together(
    protocol: Callable[[str, int], bytes], size: int, before: str, chunk: int, request: int
) -> None:
    """A few characters an event, in whatever events they come: it is seen."""
    text = f"{before} {MINT.value('europa', request)} and more"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    data = b"".join(protocol(piece, number) for number, piece in enumerate(pieces))
    assert {f"europa-{request}"} == canaries(data, chunk)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_long_stream_is_put_together_to_its_end(protocol: Callable[[str, int], bytes]) -> None:
    """After thousands of events of words, at any place of the scanner's turns, it is seen."""
    words = [f" word{number % 50}" for number in range(3000)]
    for lead in (0, 400, 1900, 2999):
        value = MINT.value("acme", lead)
        pieces = [*words[:lead], *(value[at : at + 3] for at in range(0, 22, 3)), *words[lead:]]
        data = b"".join(protocol(piece, number) for number, piece in enumerate(pieces))
        assert {f"acme-{lead}"} == canaries(data, 5000), lead


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_end_of_a_turn_loses_a_piece(protocol: Callable[[str, int], bytes]) -> None:
    """The scanner looks at 64 KiB at a time: a piece that lies over the end of a turn is not lost, wherever cut."""
    value = MINT.value("acme", 9)
    data = b"".join(protocol(value[at : at + 4], at) for at in range(0, 22, 4))
    for beyond in range(1, len(data), 3):
        assert {"acme-9"} == canaries(b"." * (64 * 1024 - beyond) + data + b"." * 1000, 100_000), beyond


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("word", ["A", "AAAA", " the"])
def test_a_piece_that_often_comes_is_not_lost(protocol: Callable[[str, int], bytes], word: str) -> None:
    """A stream that says one thing all the time, and then a canary in such pieces, is put together."""
    value = MINT.value("acme", 0)
    assert "AAAAAAAA" in value
    pieces = [*[word] * 2000, *(value[at : at + len(word)] for at in range(0, 22, len(word))), *[word] * 2000]
    data = b"".join(protocol(piece, number) for number, piece in enumerate(pieces))
    assert {"acme-0"} == canaries(data, 5000)


def test_a_log_line_longer_than_is_held_loses_no_piece() -> None:
    """Events within one string of a log, over several turns of the scanner, are put together."""
    value = MINT.value("acme", 9)
    pieces = [f" w{number}" for number in range(1200)]
    for place in (0, 571, 1199):
        events = [*pieces[:place], *(value[at : at + 4] for at in range(0, 22, 4)), *pieces[place:]]
        data = b"".join(anthropic(piece, 0) for piece in events)
        assert len(data) > 2 * 64 * 1024
        assert {"acme-9"} == canaries(json.dumps({"log": data.decode()}).encode(), 100_000), place


@given(st.integers(1, 21), st.integers(0, 3000), st.integers(0, 3000))
def test_a_canary_at_the_seam_of_long_pieces_is_seen(seam: int, before: int, after: int) -> None:
    """Where pieces are long, their ends are joined."""
    value = MINT.value("acme", 4)
    pieces = ["so " * before + value[:seam], value[seam:] + " end" * after]
    assert {"acme-4"} == canaries(b"".join(anthropic(piece, 0) for piece in pieces), 100_000)


def test_encoded_pieces_are_put_together_and_decoded() -> None:
    """A packed, encoded canary that leaves a few characters an event is seen."""
    text = base64.b64encode(gzipped(b"this is " + MINT.value("acme", 6).encode())).decode()
    data = b"".join(anthropic(text[at : at + 4], 0) for at in range(0, len(text), 4))
    assert {"acme-6"} == canaries(data, 4096)


def test_escaped_pieces_are_put_together() -> None:
    """Pieces whose every letter is escaped are seen."""
    escaped = "".join(f"\\u{ord(one):04x}" for one in MINT.value("acme", 6))
    data = b"".join(b'data: {"text":"%s"}\n\n' % escaped[at : at + 12].encode() for at in range(0, len(escaped), 12))
    assert {"acme-6"} == canaries(data, 4096)


def test_many_keys_hide_nothing() -> None:
    """A stream with hundreds of keys of its own is put together as well."""
    others = b"".join(b'{"key%d":"a value","key%d":"another"}\n' % (n, n) for n in range(300))
    value = MINT.value("acme", 6)
    data = others + b"".join(lines(value[at : at + 3], 0) for at in range(0, 22, 3)) + others
    assert {"acme-6"} == canaries(data, 4096)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("end", ["\\", '"', '\\"', "C:\\dir\\"])
@pytest.mark.parametrize("strings", [0, 1])
def test_backslashes_and_quotes_in_pieces_lose_none(
    protocol: Callable[[str, int], bytes], end: str, strings: int
) -> None:
    """A piece that ends with a backslash, or holds quotes, takes nothing of the next with it; nor does it in a log."""
    value = MINT.value("acme", 9)
    pieces = [f"{value[:5]}", *(value[at : at + 3] for at in range(5, 22, 3)), end]
    for lead in (end, f"so {end}"):
        data = b"".join(protocol(piece, number) for number, piece in enumerate([lead, *pieces]))
        for _ in range(strings):
            data = json.dumps({"log": data.decode("latin-1")}).encode()
        assert {"acme-9"} == canaries(data, 100_000)


@pytest.mark.parametrize("end", ["\\", '"', "x"])
def test_pieces_of_several_keys_are_kept_apart(end: str) -> None:
    """What another key says, in the same events, neither mixes with a canary's pieces nor hides them."""
    value = MINT.value("acme", 9)
    events = [{"thinking": f"w{at}{end}", "text": value[at : at + 2], "p": "abc"[: at % 4] + end} for at in range(22)]
    data = b"".join(b"data: " + json.dumps({"delta": event}).encode() + b"\n\n" for event in events[::2])
    assert {"acme-9"} == canaries(data, 4096)


@pytest.mark.parametrize("others", [0, 150])
def test_streams_that_follow_one_another_are_put_together(others: int) -> None:
    """Each has an id of its own, a first and a last event unlike the rest, and a canary at some place."""
    data, expected = b"", set()
    for stream in range(8):
        value = MINT.value("acme", stream)
        pieces = ["the "] * others + [value[at : at + 4] for at in range(0, 22, 4)] + [" end"] * (stream * 30)
        same = {"id": f"chatcmpl-{stream:016x}", "object": "chat.completion.chunk", "tier": "default"}
        deltas = [{"role": "assistant"}, *({"content": piece} for piece in pieces), {}]
        for delta in deltas:
            event = {**same, "choices": [{"delta": delta}], "obfuscation": "ab"}
            data += b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"
        expected.add(f"acme-{stream}")
    assert expected == canaries(data, 5000)
