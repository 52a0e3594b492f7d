"""What is left out for speed is never seen less for it: a scan looks at the same bytes as one that takes no short cut.

The plain way is written a second time here: runs by one expression, the ends of pieces one by one, and keys within
strings looked for in every text, from its beginning. Turns are short, so that little text has many ends of them.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.scanning import Scanner, Sighting, Unseen, deltas, node, runs
from brownout.scanning.needles import Haystack, Hits
from tests.scanning.forms import MINT, gzipped

CANARY = MINT.value("europa", 5)
RUN = re.compile(rb"[A-Za-z0-9+/\-_\\]{24}[A-Za-z0-9+/\-_\\\r\n]*")
Looked = tuple[list[tuple[tuple[str, ...], bytes, int | None]], list[Sighting], list[Unseen]]

BASE64 = [base64.b64encode(text).decode() for text in (b"some words", f"so says {CANARY}".encode(), bytes(range(200)))]
CODE = (
    *("def ", "return", ", ", ": ", " = ", "\r\n", "é", *"(){}[]`'| \t\n\0"),
    *('"', '""', '\\"', '\\\\"', '\\\\\\"', '": "', '":"', '"a": "', '\\"b\\":\\"'),
    *('\\": \\"', '\\": [\\"', '\\\\\\": \\\\\\"', "\\", "\\\\", "\\n"),
    *("\\u0043", "\\u004e\\u0052", "\\\\u0059", "\\u2026", "\\x43", "%", "%43", "%2543", "100%"),
    *("background_on_provisioned", "fixtures/targets/my-router/config", "x" * 87, "a" * 23, "Za9" * 8),
    *("InvokeModelWithResponseStream", "OTEL_EXPORTER_OTLP_ENDPOINT", "X-Amz-Target", "0123456789" * 3),
    *("0b2f5f3e1c1b4a7d9d4e3c1a2b4c5d6e", "DEADBEEF" * 4, "deadbeef" * 3 + "Z", "/abcdef0123456789abcdef01/"),
    *(*BASE64, base64.b64encode(gzipped(CANARY.encode())).decode()),
    *(CANARY, CANARY[:9], CANARY[9:], CANARY.encode().hex()),
)
TEXTS = st.lists(st.sampled_from(CODE) | st.text(max_size=9), max_size=40).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Return text as code is, or JSON with such text in it, or that in a string of JSON, up to three deep."""
    text = draw(TEXTS)
    keys = st.sampled_from(["content", "a", "k" * 40, "k" * 41, "role"])
    for _ in range(draw(st.integers(0, 4))):
        said = {key: text if draw(st.booleans()) else draw(TEXTS) for key in draw(st.lists(keys, max_size=3))}
        text = json.dumps({**said, "text": text}, ensure_ascii=draw(st.booleans()))
    return text.encode()


DATA = st.lists(documents(), min_size=1, max_size=6).map(b"\n".join)


def plain_spans(window: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where runs begin and end, by one expression."""
    for found in RUN.finditer(window, begin):
        if found.start() >= end:
            return
        yield found.start(), min(found.end(), end)


def plain_joined(pieces: Sequence[bytes]) -> bytes:
    """Return the ends of pieces, one by one."""
    return b"".join(map(plain_ends, pieces))


def plain_ends(piece: bytes) -> bytes:
    """Return 64 bytes of each end of a piece, 160 where these hold an escape; all of what is no longer."""
    edge = 160 if b"\\" in piece[:64] + piece[-64:] else 64
    return piece if len(piece) <= max(2 * edge, 128) else piece[:edge] + b"\0" + piece[-edge:]


def looked_at(data: bytes, chunk: int, *, plain: bool) -> Looked:
    """Return each stream of bytes that a scan looks at, piece by piece, and what it says."""
    fed: list[tuple[tuple[str, ...], bytes, int | None]] = []
    feed, search, add_escaped_pairs = node.Node.feed, Haystack.search, deltas.add_escaped_pairs

    def noted(one: node.Node, piece: bytes, offset: int | None = None) -> bool:
        fed.append((one._chain, bytes(piece), offset))
        return feed(one, piece, offset)

    def everywhere(self: Haystack, window: bytes, begin: int, end: int) -> Hits:
        return search(self, window, begin, end)._replace(escaped=begin)

    def whole(pairs: Any, text: bytes, _begin: int = 0, *, deeper: bool) -> None:  # noqa: ARG001 - always as deep as can be
        add_escaped_pairs(pairs, text, 0, deeper=True)

    with ExitStack() as patches:

        def put(owner: object, **values: object) -> None:
            for name, value in values.items():
                patches.enter_context(patch.object(owner, name, value))

        put(node, _TURN_BYTES=700)
        put(node.Node, feed=noted)
        put(runs, _OFTEN=6, _LONG=500)
        if plain:
            put(runs, _sparse=plain_spans, _dense=plain_spans)
            put(deltas, _joined=plain_joined, add_escaped_pairs=whole, ANY_ESCAPED_KEY=re.compile(b""))
            put(Haystack, search=everywhere)
        scanner = Scanner(MINT)
        seen = [one for at in range(0, len(data), chunk) for one in scanner.feed(data[at : at + chunk])]
        seen += scanner.close()
    return fed, seen, scanner.unseen


@given(DATA, st.integers(1, 3000))
def test_a_scan_looks_at_what_a_plain_one_looks_at(data: bytes, chunk: int) -> None:
    """Whatever is decoded, unpacked or put together is the same, byte by byte, and so is what is told of it."""
    assert looked_at(data, chunk, plain=True) == looked_at(data, chunk, plain=False)


@pytest.mark.parametrize("beyond", range(0, 90, 2))
def test_no_end_of_a_turn_hides_a_key_in_a_string(beyond: int) -> None:
    """A key may begin in one turn and end in the next, with whatever stands before it."""
    line = json.dumps({"log": json.dumps({"content": CANARY[:11]}) + json.dumps({"content": CANARY[11:]})}).encode()
    data = b"." * (700 - beyond) + line + b"." * 2000
    expected = looked_at(data, 4000, plain=True)
    assert expected == looked_at(data, 4000, plain=False)
    assert ["europa-5"] == [one.canary for one in expected[1]]


@pytest.mark.parametrize("find", [runs._sparse, runs._dense])
@given(window=TEXTS.map(str.encode), begin=st.integers(0, 400), beyond=st.integers(0, 300))
def test_runs_are_found_where_a_plain_search_finds_them(
    find: Callable[[bytes, int, int], Iterator[tuple[int, int]]], window: bytes, begin: int, beyond: int
) -> None:
    """Where they are looked for one by one, and where every byte is looked at."""
    begin = min(begin, len(window))
    end = max(begin, len(window) - beyond)
    assert list(plain_spans(window, begin, end)) == list(find(window, begin, end))


@given(st.lists(TEXTS.map(str.encode) | st.binary(max_size=400), min_size=1, max_size=20))
def test_the_same_ends_of_pieces_are_joined(pieces: list[bytes]) -> None:
    """Of short ones all, of long ones the ends, of those with escapes in them more."""
    assert plain_joined(pieces) == deltas._joined(pieces)
