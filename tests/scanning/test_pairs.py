"""Strings under a key are found wherever JSON stands; the fast way to read a stream finds what the slow one does."""

import itertools
import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.scanning.pairs import Pairs, add_escaped_pairs, add_pairs
from brownout.scanning.rows import Rows

# Of four backslashes in a row it is known what comes after them; JSON writes two for one.
PIECES = st.text(st.sampled_from('aé\\"\n{},'), max_size=8).filter(lambda piece: "\\\\\\" not in piece)
NAMES = ("chat.completion.chunk", "chatcmpl-12345678", "content_block_delta", "text_delta")


def read(text: bytes) -> Pairs:
    """Return a text's pairs, read one by one."""
    pairs: Pairs = defaultdict(list)
    add_pairs(pairs, text)
    return pairs


def read_fast(text: bytes) -> Pairs:
    """Return a text's pairs, read as those of events that are alike."""
    pairs: Pairs = defaultdict(list)
    Rows().add_pairs(pairs, text, escapes=b'\\"' in text)
    return pairs


def without_names(pairs: Pairs) -> dict[bytes, list[bytes]]:
    """Return pairs without what may be left out."""
    names = [name.encode() for name in NAMES]
    kept = {key: [value for value in values if value not in names] for key, values in pairs.items()}
    return {key: values for key, values in kept.items() if values}


def decoded(values: list[bytes], strings: int) -> list[str]:
    """Return what values say that stand within so many strings, one within another."""
    text = [value.decode() for value in values]
    for _ in range(strings + 1):
        text = [json.loads(f'"{one}"') for one in text]
    return text


@given(st.lists(PIECES, max_size=12), st.booleans())
def test_every_piece_is_found(pieces: list[str], other: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    """Whatever a piece ends with, it and what comes after it are found, in order."""
    more = {"other": "x\\"} if other else {}
    text = b"\n".join(json.dumps({"a": piece, **more, "b": piece}).encode() for piece in pieces)
    pairs = read(text)
    assert pieces == decoded(pairs[b"a"], 0) == decoded(pairs[b"b"], 0)


@pytest.mark.parametrize("strings", [1, 2, 3])
@given(pieces=st.lists(PIECES, max_size=12))
def test_every_piece_within_strings_is_found(strings: int, pieces: list[str]) -> None:
    """So it is where the JSON stands in a string, and that within another."""
    text = "\n".join(json.dumps({"a": piece, "b": piece}) for piece in pieces)
    for _ in range(strings):
        text = json.dumps({"log": text})
    pairs: Pairs = defaultdict(list)
    add_escaped_pairs(pairs, text.encode(), deeper=strings > 1)
    before = b"\\" * (2**strings - 1)
    assert pieces == decoded(pairs[before + b"a"], strings) == decoded(pairs[before + b"b"], strings)


SHAPES: tuple[dict[str, Any], ...] = (
    {"id": NAMES[1], "object": NAMES[0], "choices": [{"index": 0, "delta": {"content": ""}}]},
    {"id": NAMES[1], "delta": {"content": ""}, "tier": "default", "obfuscation": ""},
    {"type": NAMES[2], "index": 0, "delta": {"type": "text_delta", "text": ""}},
    {"content": "", "b": [""], "more": ["x", "y"]},
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Return some streams of events: each of one shape, now and then an event of another, pieces of all kinds."""
    parts: list[bytes] = []
    for _ in range(draw(st.integers(1, 3))):
        shape = draw(st.sampled_from(SHAPES))
        separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        ends = draw(st.sampled_from(["\n\n", "\n", "\0\1\2"]))
        said = itertools.cycle(draw(st.lists(PIECES, min_size=1, max_size=9)))
        odd = draw(st.integers(5, 90))
        for number in range(draw(st.integers(20, 400))):
            of = SHAPES[number % 4] if number % odd == odd - 1 else shape
            event = json.dumps(_said(of, said), separators=separators)
            parts.append(b"data: " + event.encode() + ends.encode())
    text = b"".join(parts)
    return text * (1 + 24 * 1024 // len(text))


def _said(shape: Any, said: "itertools.cycle[str]") -> Any:
    if isinstance(shape, dict):
        return {key: _said(value, said) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_said(value, said) for value in shape]
    return next(said) if shape == "" else shape


@given(streams())
def test_events_that_are_alike_are_read_as_any(text: bytes) -> None:
    """Row by row and column by column, the same is found as one by one."""
    assert without_names(read(text)) == without_names(read_fast(text))


def test_the_fast_way_is_taken() -> None:
    """In a stream, what is said is found without the names that are always the same."""
    text = b"".join(
        b'data: {"id":"chatcmpl-12345678","object":"chat.completion.chunk","delta":{"content":" w%d"}}\n\n' % number
        for number in range(1000)
    )
    pairs = read_fast(text)
    assert [b" w%d" % number for number in range(1000)] == pairs[b"content"]
    assert len(pairs[b"id"]) < 10
