"""Finds long runs of base64 or hexadecimal in a node's bytes, and has what they stand for looked at.

Most text has none, so that looking must cost next to nothing there: bytes are mapped to classes, and a run is found by
a search for many of one class in a row.
"""

import re
from typing import TYPE_CHECKING

from brownout.scanning.blocks import from_base64
from brownout.scanning.packed import unpacked_whole
from brownout.scanning.unpackers import BROTLI, RAW_DEFLATE

if TYPE_CHECKING:
    from brownout.scanning.node import Node

SHORTEST = 24
"""In base64, a canary that is packed first takes as many characters; one that is not packed is found without us."""

_LONG = 16 * 1024
"""A longer run is a stream of its own, and is read from its beginning only, or where it looks right from another."""

_SAMPLE = 1024
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_\\"
_CLASS = bytes(ord("A") if one in _LETTERS else ord("\n") if one in b"\r\n" else ord(" ") for one in range(256))
_RUN = b"A" * SHORTEST
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPE = re.compile(rb"\\(?:u00(2[bBfF])|[rn])|[\\\r\n]")
_HALF_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_TEXT = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(0x20, 0x7F)))
_APART = b"\0\0"


class _Phase:
    """One reading of a long run: from one of its first four characters on, four by four."""

    def __init__(self, inside: "Node", skip: int) -> None:
        self._inside = inside
        self._skip = skip
        self._rest = b""

    def feed(self, letters: bytes) -> bool:
        letters, self._skip = letters[self._skip :], max(0, self._skip - len(letters))
        letters = self._rest + letters
        whole = len(letters) // 4 * 4
        self._rest = letters[whole:]
        return self._inside.feed(from_base64(letters[:whole]))

    def close(self) -> None:
        self._inside.feed(from_base64(self._rest))
        self._inside.close()


class _LongRun:
    """A run that is too long to be read in every way."""

    def __init__(self, node: "Node", offset: int, letters: bytes) -> None:
        self._node = node
        self._offset = offset
        self._held = b""
        self._phases: list[_Phase] = []
        sample = _tidy(letters[:_SAMPLE])
        for skip in range(4):
            if skip == 0 or _looks_like_text(from_base64(sample[skip:])):
                inside = node.inside("base64", offset)
                if inside is not None:
                    self._phases.append(_Phase(inside, skip))
        if not self._phases:
            node.unseen("too-deep", "base64", offset)
        self.feed(letters)

    def feed(self, letters: bytes) -> None:
        letters = self._held + letters
        cut = _HALF_ESCAPE.search(letters, max(0, len(letters) - 6))
        self._held = cut[0] if cut else b""
        tidy = _tidy(letters[: cut.start()] if cut else letters)
        for phase in list(self._phases):
            if not phase.feed(tidy):
                self._node.unseen("too-large", "base64", self._offset)
                self._phases.remove(phase)

    def close(self) -> None:
        for phase in self._phases:
            phase.close()


class Runs:
    """The runs of one node. What short ones stand for is looked at as one stream, one after the other."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._long: _LongRun | None = None
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
            self._long, self._begun = _LongRun(self._node, self._offset, self._begun), b""

    def _short(self, letters: bytes, at: int) -> None:
        if not (letters.islower() or letters.isupper()) or _HEX.fullmatch(letters):
            # Else it is a path or a name: of packed bytes, hardly one in 100,000 has letters of one case only.
            self._read(letters, self._node.offset_of(at))

    def _read(self, letters: bytes, offset: int) -> None:
        """Read a run in every way there is."""
        letters = _tidy(letters)
        first = from_base64(letters)
        readings = [first]
        if not first.isascii():
            readings += [from_base64(letters[skip:]) for skip in (1, 2, 3)]
        self._inside("base64", offset, readings)
        if _HEX.fullmatch(letters):
            even = len(letters) // 2 * 2
            odd = (len(letters) - 1) // 2 * 2
            self._inside(
                "hex", offset, [bytes.fromhex(letters[:even].decode()), bytes.fromhex(letters[1 : 1 + odd].decode())]
            )
        elif not first.isascii():
            for form in (BROTLI, RAW_DEFLATE):  # nothing tells that they begin; that they end does
                whole = unpacked_whole(form, first)
                if whole:
                    self._inside(f"base64>{form.name}", offset, [whole])

    def _inside(self, name: str, offset: int, readings: list[bytes]) -> None:
        inside = self._node.gathered(name, offset)
        if inside is None:
            self._node.unseen("too-deep", name, offset)
        elif not inside.feed(_APART.join([*readings, b""])):
            self._node.unseen("too-large", name, offset)


def _stop(classes: bytes, at: int, size: int) -> int:
    stop = classes.find(b" ", at, size)
    return size if stop < 0 else stop


def _tidy(letters: bytes) -> bytes:
    """Return a run without line breaks and escapes, in the standard alphabet."""
    if b"\\" in letters or b"\n" in letters or b"\r" in letters:
        letters = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else b"", letters)
    return letters.translate(_URL_SAFE) if b"-" in letters or b"_" in letters else letters


def _looks_like_text(sample: bytes) -> bool:
    """Return whether bytes are text, which those of a wrong reading never are."""
    return len(sample.translate(None, _TEXT)) * 20 < len(sample)
