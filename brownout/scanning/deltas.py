"""Puts together what a stream says piece by piece: the short strings that stand under one key, event after event.

It needs to know no protocol: server-sent events, lines of JSON, a streamed array and the frames of an AWS event stream
all hold ``"some key": "a piece"``. A string that stands alone is looked at whole where it stands, and not again.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from brownout.scanning.boilerplate import Boilerplate

if TYPE_CHECKING:
    from brownout.scanning.node import Node

DELTAS = "deltas"

_PAIR = re.compile(rb'"(\w{1,40}+)"\s?:\s?\[?"([^"]*+(?:(?<=\\)"[^"]*+)*+)"')
"""A quote after a backslash does not end a string. After two it would; what is then taken with the string holds quotes
and is no part of a canary either way."""

_COLON = re.compile(rb'"\s?:')
_QUOTED_PAIR = re.compile(rb'\\"(\w{1,40}+)\\+"\s?:\s?\\+"((?:[^"\\]|\\+[^"\\])*+)\\+"')
_UNFINISHED = re.compile(rb'\\?"\w{0,40}+\\*+(?:"\s?(?::\s?\[?\\*+(?:"[^"]*+(?:(?<=\\)"[^"]*+)*+)?)?)?\Z')
_KEYS = 64
_OTHER_KEYS = b""
_EDGE, _ESCAPED_EDGE = 64, 160
"""Of a piece longer than two of these its ends count: what lies between is looked at where it stands."""

_HELD_BYTES, _QUOTES = 64 * 1024, 2000
"""How far back the beginning of a string is looked for."""

_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|(.))", re.DOTALL)


class Deltas:
    """The strings of one node, by key."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._held = b""
        self._boilerplate = Boilerplate()
        self._keys: dict[bytes, _Key] = {}

    def look(self, window: bytes, begin: int, end: int) -> None:
        """Take in what stands in ``window[begin:end]``."""
        text = self._held + window[begin:end]
        offset = max(0, self._node.offset_of(begin) - len(self._held))
        self._held = _unfinished(text)
        if not _COLON.search(text):
            return
        pieces: defaultdict[bytes, list[bytes]] = defaultdict(list)
        for key, value in _PAIR.findall(self._boilerplate.left_out(text)):
            pieces[key].append(value)
        if b"\\" in text and b'\\":' in text:
            for key, value in _QUOTED_PAIR.findall(text, 0, len(text) - len(self._held)):
                pieces[b"\\" + key].append(value)
        for key, values in pieces.items():
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
        if len(max(values, key=len)) > 2 * _EDGE:
            values = list(map(_ends, values))
        if not self._inside.feed(_plain(b"".join(values)), offset):
            self._node.unseen("too-large", DELTAS, offset)
            self._over = True

    def close(self) -> None:
        if self._inside is not None:
            self._inside.close()


def _ends(value: bytes) -> bytes:
    edge = _ESCAPED_EDGE if b"\\" in value else _EDGE
    return value if len(value) <= 2 * edge else value[:edge] + b"\0" + value[-edge:]


def _unfinished(text: bytes) -> bytes:
    """Return the beginning of a pair at the end of a text, whose rest is still to come."""
    plain = (at for at in _quotes_from_the_end(text, _QUOTES) if text[at - 1 : at] != b"\\")
    quoted = (at - 1 for at in _quotes_from_the_end(text, 3) if text[at - 1 : at] == b"\\")
    for places in (plain, quoted):
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
