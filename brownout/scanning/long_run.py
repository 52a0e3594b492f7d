"""One long run of base64 or hexadecimal: read as a stream, from its beginning and wherever else it looks right."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from brownout.scanning.blocks import from_base64
from brownout.scanning.unpackers import FORMATS

if TYPE_CHECKING:
    from brownout.scanning.node import Node

_SAMPLE = 1024
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPE = re.compile(rb"\\(?:u00(2[bBfF])|[rn])|[\\\r\n]")
_HALF_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_HEX = re.compile(rb"[0-9A-Fa-f]+")
_TEXT = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(0x20, 0x7F)))
_MAGICS = [magic for form in FORMATS for magic in form.magics if len(magic) > 2]


def tidy(letters: bytes) -> bytes:
    """Return a run without line breaks and escapes, in the standard alphabet."""
    if b"\\" in letters or b"\n" in letters or b"\r" in letters:
        letters = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else b"", letters)
    return letters.translate(_URL_SAFE) if b"-" in letters or b"_" in letters else letters


class _Reading:
    """One way to read a run: from one of its first characters on, so many at a time."""

    def __init__(self, inside: "Node", skip: int, unit: int, decode: Callable[[bytes], bytes]) -> None:
        self._inside = inside
        self._skip = skip
        self._unit = unit
        self._decode = decode
        self._rest = b""

    def feed(self, letters: bytes) -> bool:
        """Read on; return whether it may go on."""
        letters, self._skip = letters[self._skip :], max(0, self._skip - len(letters))
        letters = self._rest + letters
        whole = len(letters) // self._unit * self._unit
        self._rest = letters[whole:]
        return self._inside.feed(self._decode(letters[:whole]))

    def close(self) -> None:
        """Come to the end; what is left of a group is read as far as it goes."""
        if self._unit == 4:
            self._inside.feed(from_base64(self._rest))
        self._inside.close()


class LongRun:
    """A run that goes on.

    Args:
        node: whose bytes it is in.
        offset: where it begins, as evidence has it.
        letters: its beginning.
    """

    def __init__(self, node: "Node", offset: int, letters: bytes) -> None:
        self._node = node
        self._offset = offset
        self._held = b""
        self._readings: list[_Reading] = []
        sample = tidy(letters[:_SAMPLE])
        for skip in range(4):
            if skip == 0 or _looks_right(from_base64(sample[skip:])):
                self._read("base64", skip, 4, from_base64)
        if _HEX.fullmatch(sample):
            self._read("hex", 0, 2, _from_hex)
        self.feed(letters)

    def feed(self, letters: bytes) -> None:
        """Read on."""
        letters = self._held + letters
        cut = _HALF_ESCAPE.search(letters, max(0, len(letters) - 6))
        self._held = cut[0] if cut else b""
        whole = tidy(letters[: cut.start()] if cut else letters)
        for reading in list(self._readings):
            if not reading.feed(whole):
                self._node.unseen("too-large", "base64", self._offset)
                self._readings.remove(reading)

    def close(self) -> None:
        """Come to the end."""
        for reading in self._readings:
            reading.close()

    def _read(self, name: str, skip: int, unit: int, decode: Callable[[bytes], bytes]) -> None:
        inside = self._node.inside(name, self._offset)
        if inside is None:
            self._node.unseen("too-deep", name, self._offset)
        else:
            self._readings.append(_Reading(inside, skip, unit, decode))


def _looks_right(sample: bytes) -> bool:
    """Return whether bytes are text, or hold a packed format's beginning: those of a wrong reading hardly ever do."""
    return len(sample.translate(None, _TEXT)) * 20 < len(sample) or any(magic in sample for magic in _MAGICS)


def _from_hex(digits: bytes) -> bytes:
    """Return what digits stand for; what is no digit ends them."""
    found = _HEX.match(digits)
    even = len(found[0]) // 2 * 2 if found else 0
    return bytes.fromhex(digits[:even].decode())
