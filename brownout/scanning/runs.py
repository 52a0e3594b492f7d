"""Finds long runs of base64 or hexadecimal in a node's bytes, and has what they stand for looked at.

Most text has none, or few, so that looking must cost next to nothing there: many letters in a row are searched for, and
where a run ends is only looked for where one begins.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from brownout.scanning.blocks import from_base64
from brownout.scanning.long_run import LongRun, tidy
from brownout.scanning.matcher import Matcher
from brownout.scanning.needles import RUN, RUN_BYTES
from brownout.scanning.unpackers import UNMARKED

if TYPE_CHECKING:
    from brownout.scanning.node import Node

_LONG = 16 * 1024
"""A longer run is a stream of its own, and is not read in every way there is."""

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_\\"
_RUN = Matcher([RUN], once=[0])
_CLASS = bytes(ord("A") if one in _LETTERS else ord("\n") if one in b"\r\n" else ord(" ") for one in range(256))
_LETTERS_IN_A_ROW = b"A" * RUN_BYTES
_STEP = 64
_REST = re.compile(rb"[A-Za-z0-9+/\-_\\\r\n]*+")
_OFTEN = 96
"""Of so many in one turn it costs less to look at every byte than at every run."""
_HEX_ALONE = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
_HEX_STRETCH = re.compile(rb"[0-9A-Fa-f]{24,}")
_BARREN, _BARREN_BYTES = 512, 1024
_STRING = re.compile(rb'"\s?:')
_APART = b"\0\0"


class Runs:
    """The runs of one node. What short ones stand for is looked at as one stream, one after the other."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._long: LongRun | None = None
        self._begun = b""
        """What has come of a run that goes on beyond the window, and may yet be short."""

        self._offset = 0
        self._often = False
        self._barren: set[bytes] = set()
        """Some that were read: ids, mostly. They hold no strings under a key, and so are no pieces of anything."""

    def look(self, window: bytes, begin: int, end: int, run: int) -> None:
        """Go on with an open run, then look for those that begin in ``window[begin:end]``.

        Args:
            window: what is in sight.
            begin: where the part begins that is looked at.
            end: where it ends.
            run: where the first run begins in that part; -1 where none does.
        """
        if self._long or self._begun:
            stop = _stop(window, begin, end)
            self._go_on(window[begin:stop])
            if stop == end:
                return
            self.close()
            begin = stop
        if run < 0:
            return
        count = 0
        for start, stop in (_dense if self._often else _sparse)(window, max(begin, run), end):
            count += 1
            letters = window[start:stop]
            if stop == end or len(letters) > _LONG:
                self._offset = self._node.offset_of(start)
                self._go_on(letters)
                if stop < end:
                    self.close()
            elif _is_worth(letters):
                self._read(letters, self._node.offset_of(start))
        self._often = count > _OFTEN

    def close(self) -> None:
        """Come to the end of the run that is open."""
        if self._long is not None:
            self._long.close()
            self._long = None
        elif self._begun:
            if _is_worth(self._begun):
                self._read(self._begun, self._offset)
            self._begun = b""

    def _go_on(self, letters: bytes) -> None:
        if self._long is not None:
            self._long.feed(letters)
            return
        self._begun += letters
        if len(self._begun) > _LONG:
            self._long, self._begun = LongRun(self._node, self._offset, self._begun), b""

    def _read(self, letters: bytes, offset: int) -> None:
        """Read a short run in every way there is, unless the same was read before, and it can say no more."""
        shared = self._node.shared
        if letters in self._barren or shared.barren.has_run(letters):
            return
        tidied = letters if letters.isalnum() else tidy(letters)
        made = b""
        if not _HEX_ALONE.fullmatch(letters):  # of base64, not one in 10**14 is like that
            made = self._read_base64(tidied, offset)
        for found in _HEX_STRETCH.findall(tidied):
            digits = [found[skip : skip + (len(found) - skip) // 2 * 2] for skip in (0, 1)]
            readings = [bytes.fromhex(one.decode()) for one in digits]
            self._inside("hex", offset, readings)
            made += b"".join(readings)
        if len(letters) <= _BARREN_BYTES and not _STRING.search(made):
            if len(self._barren) >= _BARREN:
                self._barren.clear()
            self._barren.add(letters)
            shared.decoded.append(letters)

    def _read_base64(self, letters: bytes, offset: int) -> bytes:
        first = from_base64(letters)
        if first.isascii():
            self._inside("base64", offset, [first])
            return first
        readings = [first, *(from_base64(letters[skip:]) for skip in (1, 2, 3))]
        self._inside("base64", offset, readings)
        self._try_unmarked(first, offset)
        return b"".join(readings)

    def _try_unmarked(self, data: bytes, offset: int) -> None:
        """Try the formats that nothing tells the beginning of; that they come to their end with the run tells."""
        for name, whole_of in UNMARKED.items():
            whole = whole_of(data)
            if whole:
                self._inside(f"base64>{name}", offset, [whole])

    def _inside(self, name: str, offset: int, readings: list[bytes]) -> None:
        inside = self._node.gathered(name, offset)
        if inside is None:
            self._node.unseen("too-deep", name, offset)
        elif not inside.feed(_APART.join([*readings, b""]), offset):
            self._node.unseen("too-large", name, offset)


def _is_worth(letters: bytes) -> bool:
    """Return whether a run may be more than a path or a name: of packed bytes, hardly one in 100,000 has one case."""
    return not (letters.islower() or letters.isupper()) or bool(_HEX_STRETCH.search(letters))


def _sparse(window: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where runs begin and end, where there are few: what lies between costs next to nothing, each a little."""
    view, first, match = memoryview(window)[: end + RUN_BYTES - 1], _RUN.finder(), _REST.match
    while begin < end and (found := first(view[begin:])) >= 0:
        at = begin + found
        rest = match(window, at, at + _STEP)
        begin = rest.end() if rest else at
        if begin == at + _STEP or begin > end:
            begin = _stop(window, at, end)
        yield at - RUN_BYTES, begin


def _dense(window: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the same where there are many: each costs little, what lies between as much as it is long."""
    size = end - begin
    classes = window[begin : end + RUN_BYTES - 1].translate(_CLASS)
    at = 0
    while at < size and (start := classes.find(_LETTERS_IN_A_ROW, at)) >= 0:
        at = classes.find(b" ", start + RUN_BYTES, size)
        if at < 0:
            at = size
        yield begin + start, begin + at


def _stop(window: bytes, at: int, end: int) -> int:
    """Return where a run ends that goes on at a place, if not beyond the end; line breaks do not end it."""
    step = _STEP
    while at < end:
        stop = window[at : min(at + step, end)].translate(_CLASS).find(b" ")
        if stop >= 0:
            return at + stop
        at += step
        step *= 8
    return end
