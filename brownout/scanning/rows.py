"""Reads the pairs of a stream whose events are alike, several times as fast as one by one. It is for speed alone.

The text is cut at what stands before a piece in every event into rows, each of which begins with a piece. What comes
after the last string that changes is the same in most; it is read once. The rest is cut at its quotes, and where
several in a row have as many, they are read column by column. Whatever is not alike is read as any text is.

Left out are only strings that look like a name of the protocol's and are the same in eight events in a row. They were
looked at where they stand; joined to themselves they say nothing.
"""

import itertools
import re
from operator import methodcaller
from typing import TypeAlias

from brownout.scanning.alike import Alike, Before
from brownout.scanning.pairs import PAIR, Pairs, add_pairs

_WORTH_BYTES = 24 * 1024
"""Of less text, finding out what is alike costs more than it saves."""

_OFTEN = 8
_STEP_BYTES = 24 * 1024
_NAME = re.compile(rb"(?=.{6,80}\Z)\w+(?:[.\-:/_]\w+)+")
_KEY = re.compile(rb"\w{1,40}")
_SPACES = (b"", b" ", b"\t", b"\n", b"\r", b"\f", b"\v")
_COLONS = frozenset(map(b"".join, itertools.product(_SPACES, (b":",), _SPACES, (b"", b"["))))

_Column: TypeAlias = tuple[bytes, ...]


class Rows:
    """One stream's."""

    def __init__(self) -> None:
        self._alike = Alike()

    def add_pairs(self, pairs: Pairs, text: bytes, *, escapes: bool) -> None:
        """Add all pairs of a text, but for names that are always the same.

        Args:
            pairs: takes them.
            text: any bytes.
            escapes: whether there may be a quote after a backslash in it.
        """
        before = self._alike.before(text) if len(text) >= _WORTH_BYTES else None
        if before is None:
            add_pairs(pairs, text)
            return
        first, *rows, last = _split(text, before.near)
        add_pairs(pairs, first + before.near)
        _add_rows(pairs, before, rows, escapes=escapes)
        add_pairs(pairs, before.opening + last)


def _split(text: bytes, near: bytes) -> list[bytes]:
    """Split a text, a step at a time: in longer ones Python prepares each search at length."""
    parts: list[bytes] = []
    start = 0
    while start <= len(text):
        stop = text.find(near, start + _STEP_BYTES)
        stop = len(text) if stop < 0 else stop
        parts += text[start:stop].split(near)
        start = stop + len(near)
    return parts


def _add_rows(pairs: Pairs, before: Before, rows: list[bytes], *, escapes: bool) -> None:
    """Add the pairs of rows, each of which begins with a value of the key."""
    if not before.lead:
        _add_heads(pairs, before, rows, before.near, escapes=escapes)
        return
    at = 0
    while at < len(rows):
        begins = rows[at].rfind(before.lead)
        rest = rows[at][begins:] if begins >= 0 else b""
        alike = itertools.takewhile(methodcaller("endswith", rest), itertools.islice(rows, at, None))
        heads = [row[: -len(rest)] for row in alike] if rest else rows[at : at + 1]
        _add_heads(pairs, before, heads, rest + before.near, escapes=escapes)
        at += len(heads)


def _add_heads(pairs: Pairs, before: Before, heads: list[bytes], after: bytes, *, escapes: bool) -> None:
    """Add the pairs of rows that all end the same."""
    if len(heads) < _OFTEN:
        add_pairs(pairs, before.opening + after.join([*heads, b""]))
        return
    same = [pair for pair in PAIR.findall(after) if not _NAME.fullmatch(pair[1])]
    for _, group in itertools.groupby([head.split(b'"') for head in heads], len):
        alike = list(group)
        found = _read(before.key, alike, escapes=escapes) if len(alike) >= _OFTEN else None
        if found is None or not {key for key, _ in found}.isdisjoint(key for key, _ in same):
            add_pairs(pairs, before.opening + after.join([*map(b'"'.join, alike), b""]))
            continue
        for key, values in found:
            pairs[key] += values
        for key, value in same:
            pairs[key] += [value] * len(alike)


def _read(key: bytes, rows: list[list[bytes]], *, escapes: bool) -> list[tuple[bytes, _Column]] | None:
    """Return the pairs that stand in all rows at the same place; None where rows are not that much alike.

    Args:
        key: of what stands in the first cell of each.
        rows: as many cells each, with a quote after each cell.
        escapes: whether there may be a quote that ends no string.
    """
    columns = list(zip(*rows, strict=True))
    if escapes and len(columns) > 1 and any(map(_escaped, columns)):
        return None
    found = [(key, columns[0])]
    at = 2  # a quote that ends a value begins no key
    while at + 2 < len(columns):
        names, colons, values = columns[at : at + 3]
        at += 1
        if _COLONS.isdisjoint(colons):
            continue
        if names.count(names[0]) < len(names) or not _COLONS.issuperset(colons):
            return None
        if _KEY.fullmatch(names[0]):
            found.append((names[0], values))
            at += 3
    return found


def _escaped(column: _Column) -> bool:
    """Return whether a quote after one of the cells does not end a string."""
    return b'\\"' in b'"'.join((*column, b""))
