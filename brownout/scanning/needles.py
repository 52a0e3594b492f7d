"""All that is searched for: the canary's prefix under every encoding that can be written down, in one automaton.

The prefix is the same for all canaries, so that the cost does not depend on how many are out. What an encoding makes
of the rest is read around each hit, and proven.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import ahocorasick_rs

from brownout.scanning import blocks, numbers, spelled, wide
from brownout.scanning.needle import Needle
from brownout.scanning.unpackers import FORMATS, Format

AHEAD_BYTES = 512
"""How much of what stands after a prefix is read to prove a canary: 18 characters in the longest spelling, and what is
put between them."""

BEFORE_BYTES = 32
"""How much of what stands before it is read: of a canary that is written backwards."""


class Hits(NamedTuple):
    """What was met in a window: needles and beginnings of packed formats, by place."""

    needles: list[tuple[int, Needle]]
    formats: list[tuple[int, Format]]


def all_needles() -> Iterator[Needle]:
    """Yield every spelling of the prefix that is searched for."""
    plain = [*wide.needles(), *blocks.of_base64(), *blocks.of_base32(), *numbers.hexes()]
    yield from plain
    yield from spelled.needles()
    yield from numbers.needles()
    yield from blocks.of_base85()
    # One over another. What lies deeper, or is longer, is unpacked as a whole (`runs.py`).
    for inner in [*plain, *spelled.whole_escapes()]:
        yield from blocks.over_base64(inner)
    for inner in [*wide.needles(), *blocks.of_base64()]:
        yield from numbers.over_hex(inner)
    for inner in [*numbers.hexes(), *blocks.of_base64()]:
        yield from wide.over(inner)


class Haystack:
    """Finds all needles, and the beginnings of all packed formats, in one pass."""

    def __init__(self) -> None:
        self._needles: dict[bytes, list[Needle]] = defaultdict(list)
        for needle in all_needles():
            self._needles[needle.core].append(needle)
        self._formats = {magic: form for form in FORMATS for magic in form.magics}
        self._cores = sorted({*self._needles, *self._formats})
        self._longest = max(map(len, self._cores))
        self._automaton = ahocorasick_rs.BytesAhoCorasick(self._cores, implementation=ahocorasick_rs.Implementation.DFA)

    def search(self, window: bytes, begin: int, end: int) -> Hits:
        """Return what begins in ``window[begin:end]``, in order; what follows is looked at to its end."""
        hits = Hits([], [])
        part = window[begin : end + self._longest]
        for number, start, _ in self._automaton.find_matches_as_indexes(part, overlapping=True):
            at = begin + start
            if at >= end:
                continue
            core = self._cores[number]
            hits.needles.extend((at, needle) for needle in self._needles.get(core, ()))
            if core in self._formats:
                hits.formats.append((at, self._formats[core]))
        hits.formats.sort(key=lambda hit: hit[0])
        return hits


@cache
def haystack() -> Haystack:
    """Return the automaton. It knows no key and no canary, so that one serves all."""
    return Haystack()
