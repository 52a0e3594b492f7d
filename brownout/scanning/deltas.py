"""Puts together what a stream says piece by piece: the short strings that stand under one key, event after event.

It needs to know no protocol: server-sent events, lines of JSON, a streamed array and the frames of an AWS event stream
all hold ``"some key": "a piece"``. A string that stands alone is looked at whole where it stands, and not again.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import contains, itemgetter
from typing import TYPE_CHECKING

import msgspec

from brownout.scanning.needles import ANY_ESCAPED_KEY, ESCAPED_KEY_BYTES, Hits
from brownout.scanning.pairs import STRING, Pairs, add_escaped_pairs
from brownout.scanning.rows import Rows

if TYPE_CHECKING:
    from brownout.scanning.node import Node

DELTAS = "deltas"

_UNFINISHED = re.compile(rb'\\?"\w{0,40}+\\*+(?:"\s?(?::\s?\[?\\*+(?:"' + STRING + rb")?)?)?\Z")
_KEYS = 64
_OTHER_KEYS = b""
_EDGE, _ESCAPED_EDGE = 64, 160
"""Of a piece longer than two of these its ends count: what lies between is looked at where it stands."""

_HEAD, _TAIL = itemgetter(slice(_EDGE)), itemgetter(slice(-_EDGE, None))

_HELD_BYTES, _QUOTES, _ESCAPED_QUOTES = 64 * 1024, 2000, 64
"""How far back the beginning of a string is looked for."""

_BACKSLASH = ord("\\")
_ONE_BACKSLASH = re.compile(rb"(?<!\\)\\")

_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|(.))", re.DOTALL)


class Deltas:
    """The strings of one node, by key."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._held = b""
        self._rows = Rows()
        self._keys: dict[bytes, _Key] = {}

    def look(self, window: bytes, begin: int, end: int, hits: Hits, *, last: bool) -> None:
        """Take in what stands in ``window[begin:end]``.

        Args:
            window: what is in sight.
            begin: where the part begins that is looked at.
            end: where it ends.
            hits: what was met in that part.
            last: whether nothing follows it.
        """
        held = self._held
        if last and not (held or hits.keys):
            return
        text = b"".join((held, memoryview(window)[begin:end]))
        offset = max(0, self._node.offset_of(begin) - len(held))
        escapes = hits.escaped_quotes or b"\\" in held
        self._held = b"" if last else _unfinished(text, escapes=escapes)
        if not (held or hits.keys):
            return
        pairs: Pairs = defaultdict(list)
        self._rows.add_pairs(pairs, text, escapes=escapes)
        if b"\\" in held and ANY_ESCAPED_KEY.search(text, 0, len(held) + ESCAPED_KEY_BYTES):
            add_escaped_pairs(pairs, text[: len(text) - len(self._held)], deeper=True)
        elif hits.escaped >= 0:
            at = max(0, len(held) + hits.escaped - begin - ESCAPED_KEY_BYTES)
            add_escaped_pairs(pairs, text[: len(text) - len(self._held)], at, deeper=hits.deeper_keys)
        for key, values in pairs.items():
            self._of(key).take(values, offset)

    def close(self) -> None:
        """Come to the end."""
        for key in self._keys.values():
            key.close()

    def _of(self, key: bytes) -> "_Key":
        name = key if key in self._keys or len(self._keys) < _KEYS else _OTHER_KEYS
        return self._keys.setdefault(name, _Key(self._node))


class _Key:
    """What stands under one key, put together from the second piece on."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._alone: bytes | None = None
        self._inside: Node | None = None
        self._over = False

    def take(self, values: list[bytes], offset: int) -> None:
        """Take in some more pieces."""
        if self._over:
            return
        if self._inside is None:
            if self._alone is None and len(values) == 1:
                self._alone = values[0]
                return
            self._inside = self._node.inside(DELTAS, offset)
            if self._inside is None:
                self._node.unseen("too-deep", DELTAS, offset)
                self._over = True
                return
            values = values if self._alone is None else [self._alone, *values]
        if not self._inside.feed(_plain(_joined(values)), offset):
            self._node.unseen("too-large", DELTAS, offset)
            self._over = True

    def close(self) -> None:
        if self._inside is not None:
            self._inside.close()


def _joined(pieces: Sequence[bytes]) -> bytes:
    """Return pieces put together, of long ones the ends."""
    if len(max(pieces, key=len)) <= 2 * _EDGE:
        return b"".join(pieces)
    ends = list(map(b"\0".join, zip(map(_HEAD, pieces), map(_TAIL, pieces), strict=True)))
    if len(min(pieces, key=len)) <= 2 * _EDGE:
        ends = [whole if len(whole) <= 2 * _EDGE else end for end, whole in zip(ends, pieces, strict=True)]
    joined = b"".join(ends)
    if b"\\" not in joined:
        return joined
    escaped = list(map(contains, ends, itertools.repeat(_BACKSLASH)))
    for at in itertools.compress(range(len(ends)), escaped):
        ends[at] = _wider(pieces[at])
    return b"".join(ends)


def _wider(piece: bytes) -> bytes:
    """Return the ends of a piece with escapes in them, as many bytes more as these may take."""
    if len(piece) <= 2 * _ESCAPED_EDGE:
        return piece
    return b"\0".join((piece[:_ESCAPED_EDGE], piece[-_ESCAPED_EDGE:]))


def _unfinished(text: bytes, *, escapes: bool) -> bytes:
    """Return the beginning of a pair at the end of a text, whose rest is still to come.

    Args:
        text: any bytes.
        escapes: whether there may be a quote after a backslash in it.
    """
    plain = (at for at in _quotes_from_the_end(text, _QUOTES) if text[at - 1 : at] != b"\\")
    once = (at - 1 for at in _quotes_from_the_end(text, _ESCAPED_QUOTES) if _ONE_BACKSLASH.match(text, at - 1))
    often = (at - 1 for at in _quotes_from_the_end(text, 3) if text[at - 1 : at] == b"\\")
    for places in (plain, once, often) if escapes else (plain,):
        # At most three belong to it: what opens its value, closes its key, opens its key.
        begun = [at for at in itertools.islice(places, 3) if _UNFINISHED.match(text, at)]
        if begun:
            return text[begun[-1] :]
    return b""


def _quotes_from_the_end(text: bytes, most: int) -> Iterator[int]:
    at = text.rfind(b'"')
    while at >= 0 and most and len(text) - at <= _HELD_BYTES:
        yield at
        at, most = text.rfind(b'"', 0, at), most - 1


def _plain(text: bytes) -> bytes:
    """Return what stands under a JSON string's escapes, in strings too that no parser would take."""
    if b"\\" not in text:
        return text
    try:
        return msgspec.json.decode(b'"' + text + b'"', type=str).encode()
    except (msgspec.DecodeError, UnicodeError):
        return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else found[2], text)
