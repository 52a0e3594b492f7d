"""All that is searched for: the canary's prefix under every encoding that can be written down, in one pass.

The prefix is the same for all canaries, so that the cost does not depend on how many are out. What an encoding makes
of the rest is read around each hit, and proven.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from brownout.scanning import blocks, dumps, numbers, spelled, wide
from brownout.scanning.matcher import Matcher, literal
from brownout.scanning.needle import Needle
from brownout.scanning.unpackers import FORMATS, Format

AHEAD_BYTES = 512
"""How much of what stands after a prefix is read to prove a canary: 18 characters in the longest spelling, and what is
put between them."""

BEFORE_BYTES = 32
"""How much of what stands before it is read: of a canary that is written backwards."""


RUN_BYTES = 24
"""From so many letters of base64 or hexadecimal on, a run of them is decoded: a canary that is packed first takes as
many. One that is not packed is found without that."""

RUN = rb"[A-Za-z0-9+/\-_\\]{%d}" % RUN_BYTES
_KEY, _ESCAPED_QUOTE = rb'"\s?:', rb'\\"'
_ESCAPED_KEY = rb'\w\\"\s?:\s?\[?\\"'
_DEEPER_KEY = rb'\w\\{3}"\s?:|\w\\{7}"\s?:'
ANY_ESCAPED_KEY = re.compile(_ESCAPED_KEY + b"|" + _DEEPER_KEY)
ESCAPED_KEY_BYTES = 64
"""How a key ends whose own quotes are escaped, and more bytes than it takes from its opening quote to that end."""


class Hits(NamedTuple):
    """What was met in a window.

    Attributes:
        needles: by place.
        formats: beginnings of packed formats, by place.
        run: where the first run begins that may have to be decoded; -1 where there is none.
        keys: whether there are keys of JSON's.
        escaped: where the first key ends whose own quotes are escaped, as in a string of JSON that holds JSON; -1 where
            there is none.
        deeper_keys: whether there are such keys in a string within that.
        escaped_quotes: whether there are any quotes that are.
    """

    needles: list[tuple[int, Needle]]
    formats: list[tuple[int, Format]]
    run: int
    keys: bool
    escaped: int
    deeper_keys: bool
    escaped_quotes: bool

    @property
    def nothing_within(self) -> bool:
        """Whether nothing was met that may have something within it."""
        return not (self.formats or self.run >= 0 or self.keys)


_NOTHING = Hits([], [], run=-1, keys=False, escaped=-1, deeper_keys=False, escaped_quotes=False)


def all_needles() -> Iterator[Needle]:
    """Yield every spelling of the prefix that is searched for."""
    plain = [*wide.needles(), *blocks.of_base64(), *blocks.of_base32(), *numbers.hexes()]
    yield from plain
    yield from spelled.needles()
    yield from numbers.needles()
    yield from dumps.needles()
    yield from blocks.of_base85()
    # One over another. What lies deeper, or is longer, is unpacked as a whole (`runs.py`).
    for inner in [*plain, *spelled.whole_escapes()]:
        yield from blocks.over_base64(inner)
    for inner in [*wide.needles(), *blocks.of_base64()]:
        yield from numbers.over_hex(inner)
    for inner in [*numbers.hexes(), *blocks.of_base64()]:
        yield from wide.over(inner)


class Haystack:
    """Finds all needles and the beginnings of all packed formats, and tells what else there is, in one pass."""

    def __init__(self) -> None:
        self._needles: dict[bytes, list[Needle]] = defaultdict(list)
        for needle in all_needles():
            self._needles[needle.core].append(needle)
        self._formats = {magic: form for form in FORMATS for magic in form.magics}
        self._cores = sorted({*self._needles, *self._formats})
        self._longest = max(map(len, self._cores))
        count = len(self._cores)
        self._once = range(count, count + 5)
        patterns = [*map(literal, self._cores), RUN, _KEY, _ESCAPED_KEY, _DEEPER_KEY, _ESCAPED_QUOTE]
        self._matcher = Matcher(patterns, once=self._once)

    def search(self, window: bytes, begin: int, end: int) -> Hits:
        """Return what begins in ``window[begin:end]``, in order; what follows is looked at to its end."""
        found = self._matcher.all(memoryview(window)[begin : end + self._longest])
        if not found:
            return _NOTHING
        needles: list[tuple[int, Needle]] = []
        formats: list[tuple[int, Format]] = []
        first: dict[int, int] = {}
        for stop, number in found:
            if number >= self._once[0]:
                first[number] = begin + stop
                continue
            core = self._cores[number]
            at = begin + stop - len(core)
            if at >= end:
                continue
            needles.extend((at, needle) for needle in self._needles.get(core, ()))
            if core in self._formats:
                formats.append((at, self._formats[core]))
        formats.sort(key=lambda hit: hit[0])
        run, key, escaped_key, deeper_key, escaped_quote = self._once
        at = first.get(run, -1) - RUN_BYTES
        escaped = min((first[key] for key in (escaped_key, deeper_key) if key in first), default=-1)
        return Hits(
            needles,
            formats,
            run=at if 0 <= at < end else -1,
            keys=key in first,
            escaped=escaped,
            deeper_keys=deeper_key in first,
            escaped_quotes=escaped_quote in first,
        )


@cache
def haystack() -> Haystack:
    """Return the one there is. It knows no key and no canary, so that one serves all."""
    return Haystack()
