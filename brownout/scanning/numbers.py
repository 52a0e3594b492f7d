"""Bytes written as numbers: hexadecimal, in one piece or apart, and lists of decimals."""

import re
from collections.abc import Callable, Iterator

from brownout.scanning.needle import MAGIC, Needle, Read

_PAIR = re.compile(rb"[\s,:.\-_]{0,3}(?:0[xX])?([0-9A-Fa-f]{2})")
_DECIMAL = re.compile(rb"[\s,;]{0,16}([0-9]{2,3})(?![0-9])")
_HEX_BETWEEN = (" ", ":", "-", ",", ", ", ".", "\n")
_PREFIXED_BETWEEN = (", ", ",", " ")
_DECIMAL_BETWEEN = (",", ", ", " ", ";", "\n", *(",\n" + " " * indent for indent in (0, 1, 2, 4, 6, 8, 12)))


def hexes() -> Iterator[Needle]:
    """Yield the prefix in hexadecimal digits without anything between."""
    for known in (MAGIC, MAGIC.lower()):
        yield from _hex_of(known, ("hex",), lambda rest: rest)


def over_hex(inner: Needle) -> Iterator[Needle]:
    """Yield a spelling whose bytes are written in hexadecimal."""
    yield from _hex_of(inner.core, ("hex", *inner.chain), lambda rest: inner.read(inner.core + rest))


def needles() -> Iterator[Needle]:
    """Yield the prefix as numbers with something between."""
    for known in (MAGIC, MAGIC.lower()):
        for digits in _cases(known):
            pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
            for between in _HEX_BETWEEN:
                yield _spaced(between.join(pairs), "hex", len(known))
            for between in _PREFIXED_BETWEEN:
                yield _spaced(between.join(f"0x{pair}" for pair in pairs), "hex", len(known))
        for between in _DECIMAL_BETWEEN:
            core = between.join(map(str, known)).encode()
            yield Needle(core, ("decimals",), _decimals(len(known)))


def _cases(known: bytes) -> set[str]:
    return {known.hex(), known.hex().upper()}


def _hex_of(known: bytes, chain: tuple[str, ...], go_on: Callable[[bytes], bytes]) -> Iterator[Needle]:
    def read(text: bytes) -> bytes:
        return go_on(_pairs(text)[len(known) :])

    for digits in _cases(known):
        yield Needle(digits.encode(), chain, read)


def _spaced(core: str, chain: str, skip: int) -> Needle:
    return Needle(core.encode(), (chain,), lambda text: _pairs(text)[skip:])


def _pairs(text: bytes) -> bytes:
    """Return the bytes that the hexadecimal digits at the beginning of a text stand for."""
    return bytes(int(found[1], 16) for found in _in_a_row(_PAIR, text))


def _decimals(skip: int) -> Read:
    return lambda text: bytes(min(int(found[1]), 255) for found in _in_a_row(_DECIMAL, text))[skip:]


def _in_a_row(pattern: re.Pattern[bytes], text: bytes) -> Iterator[re.Match[bytes]]:
    """Yield matches for as long as one begins where the last ended."""
    found = pattern.match(text)
    while found:
        yield found
        found = pattern.match(text, found.end())
