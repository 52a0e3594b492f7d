"""Finds long runs of base64 or hexadecimal in a node's bytes, and has what they stand for looked at.

Most text has none, so that looking must cost next to nothing there: bytes are mapped to classes, and a run is found by
a search for many of one class in a row.
"""

import re
from typing import TYPE_CHECKING

from brownout.scanning.blocks import from_base64
from brownout.scanning.long_run import LongRun, tidy
from brownout.scanning.packed import unpacked_whole
from brownout.scanning.unpackers import BROTLI, RAW_DEFLATE

if TYPE_CHECKING:
    from brownout.scanning.node import Node

SHORTEST = 24
"""In base64, a canary that is packed first takes as many characters; one that is not packed is found without us."""

_LONG = 16 * 1024
"""A longer run is a stream of its own, and is not read in every way there is."""

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_\\"
_CLASS = bytes(ord("A") if one in _LETTERS else ord("\n") if one in b"\r\n" else ord(" ") for one in range(256))
_RUN = b"A" * SHORTEST
_HEX_STRETCH = re.compile(rb"[0-9A-Fa-f]{24,}")
_APART = b"\0\0"


class Runs:
    """The runs of one node. What short ones stand for is looked at as one stream, one after the other."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._long: LongRun | None = None
        self._begun = b""
        """What has come of a run that goes on beyond the window, and may yet be short."""

        self._offset = 0

    def look(self, window: bytes, begin: int, end: int) -> None:
        """Go on with an open run, then look for those that begin in ``window[begin:end]``."""
        classes = window[begin : end + SHORTEST - 1].translate(_CLASS)
        size = end - begin
        at = 0
        if self._long or self._begun:
            at = _stop(classes, 0, size)
            self._go_on(window[begin : begin + at])
            if at == size:
                return
            self.close()
        while (at := classes.find(_RUN, at, size + SHORTEST - 1)) >= 0:
            stop = _stop(classes, at, size)
            letters = window[begin + at : begin + stop]
            if stop < size and len(letters) <= _LONG:
                self._short(letters, begin + at)
            else:
                self._offset = self._node.offset_of(begin + at)
                self._go_on(letters)
                if stop == size:
                    return
                self.close()
            at = stop

    def close(self) -> None:
        """Come to the end of the run that is open."""
        if self._long is not None:
            self._long.close()
            self._long = None
        elif self._begun:
            self._read(self._begun, self._offset)
            self._begun = b""

    def _go_on(self, letters: bytes) -> None:
        if self._long is not None:
            self._long.feed(letters)
            return
        self._begun += letters
        if len(self._begun) > _LONG:
            self._long, self._begun = LongRun(self._node, self._offset, self._begun), b""

    def _short(self, letters: bytes, at: int) -> None:
        if not (letters.islower() or letters.isupper()) or _HEX_STRETCH.search(letters):
            # Else it is a path or a name: of packed bytes, hardly one in 100,000 has letters of one case only.
            self._read(letters, self._node.offset_of(at))

    def _read(self, letters: bytes, offset: int) -> None:
        """Read a run in every way there is."""
        letters = tidy(letters)
        first = from_base64(letters)
        if first.isascii():
            self._inside("base64", offset, [first])
        else:
            self._inside("base64", offset, [first, *(from_base64(letters[skip:]) for skip in (1, 2, 3))])
            self._try_unmarked(first, offset)
        for found in _HEX_STRETCH.findall(letters):
            readings = [found[skip : skip + (len(found) - skip) // 2 * 2] for skip in (0, 1)]
            self._inside("hex", offset, [bytes.fromhex(digits.decode()) for digits in readings])

    def _try_unmarked(self, data: bytes, offset: int) -> None:
        """Try the formats that nothing tells the beginning of; that they come to their end with the run tells."""
        for form in (BROTLI, RAW_DEFLATE):
            whole = unpacked_whole(form, data)
            if whole:
                self._inside(f"base64>{form.name}", offset, [whole])

    def _inside(self, name: str, offset: int, readings: list[bytes]) -> None:
        inside = self._node.gathered(name, offset)
        if inside is None:
            self._node.unseen("too-deep", name, offset)
        elif not inside.feed(_APART.join([*readings, b""]), offset):
            self._node.unseen("too-large", name, offset)


def _stop(classes: bytes, at: int, size: int) -> int:
    stop = classes.find(b" ", at, size)
    return size if stop < 0 else stop
