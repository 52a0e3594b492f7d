"""One stream of bytes under scan, and what is found to lie within it: the tree that a scan goes through."""

from bisect import bisect_right
from typing import NamedTuple

from brownout.canary import CanaryMint, Mark
from brownout.scanning.barren import Barren
from brownout.scanning.deltas import DELTAS, Deltas
from brownout.scanning.findings import Limits, Reason, Sighting, Unseen, chain_text
from brownout.scanning.needle import body_of
from brownout.scanning.needles import AHEAD_BYTES, BEFORE_BYTES, haystack
from brownout.scanning.packed import Packed
from brownout.scanning.runs import Runs
from brownout.scanning.unpackers import CODINGS

_TURN_BYTES = 64 * 1024
"""So much is looked at in one go. Where a turn ends follows from the bytes alone, and not from how they came."""


class Shared:
    """What all nodes of one scan share: the key, the limits, and what was found."""

    def __init__(self, mint: CanaryMint, limits: Limits, barren: Barren, *, public: bool = False) -> None:
        self.mint = mint
        self.public = public
        self.limits = limits
        self.barren = barren
        self.decoded: list[bytes] = []
        """Runs that may be barren, if this scan sees nothing."""
        self.left_bytes = limits.unpacked_bytes
        self.sightings: list[Sighting] = []
        self.unseen: dict[tuple[str, str], Unseen] = {}
        self._seen: set[tuple[Mark, tuple[str, ...]]] = set()
        self._proven: dict[str, Mark] = {}

    def proven(self, body: str) -> Mark | None:
        """Return what the characters after a prefix say; None where they are no canary. Most are seen several times."""
        mark = self._proven.get(body) or self.mint.proven(body, public=self.public)
        if mark is not None:
            self._proven[body] = mark
        return mark

    def close(self) -> None:
        """Come to the end of the scan: remember what was decoded in vain."""
        if self.decoded and not self.unseen and all(one.chain == "raw" for one in self.sightings):
            self.barren.learn_runs(self.decoded)
        self.decoded = []

    def saw(self, mark: Mark, chain: tuple[str, ...], offset: int) -> None:
        """Note a canary, unless it was seen in the same way before, or in one piece what is now put together."""
        if (mark, chain) in self._seen:
            return
        if DELTAS in chain and (mark, tuple(one for one in chain if one != DELTAS)) in self._seen:
            return
        self._seen.add((mark, chain))
        self.sightings.append(Sighting(mark.canary, mark.kind, chain_text(chain), offset))


class _Within(NamedTuple):
    """Who looks for what lies within a stream."""

    packed: Packed
    runs: Runs
    deltas: Deltas


class Node:
    """One stream.

    Args:
        shared: what its scan shares.
        chain: what it lies under, outermost first.
        offset: where it begins in the bytes as they were fed; None for these bytes themselves.

    Attributes:
        shared: the same.
    """

    def __init__(self, shared: Shared, chain: tuple[str, ...] = (), offset: int | None = None) -> None:
        self.shared = shared
        self._chain = chain
        self._origins: list[tuple[int, int]] | None = None if offset is None else [(0, offset)]
        self._held = bytearray()
        self._before = 0  # how many of the bytes held were looked at, and are there for what follows them
        self._at = 0  # where in this stream those held begin
        self._within: _Within | None = None
        self._gathered: dict[str, Node | None] = {}

    def declare(self, codings: list[str]) -> None:
        """Say under which codings the bytes to come lie, outermost first."""
        name, *inner = codings
        form = CODINGS.get(name)
        if form is None:
            self.unseen("unknown-encoding", name, 0)
        else:
            self._lookers().packed.declare(form, 0, inner)

    def feed(self, data: bytes, offset: int | None = None) -> bool:
        """Look at more bytes; return whether they may be looked at, or are too many.

        Args:
            data: the bytes.
            offset: where they come from, in a stream that is put together of several.
        """
        if self._origins is not None:
            self.shared.left_bytes -= len(data)
            if self.shared.left_bytes < 0:
                return False
            if offset is not None:
                self._origins.append((self._at + len(self._held), offset))
        if len(self._held) + len(data) < self._before + _TURN_BYTES + AHEAD_BYTES:
            self._held += data
        else:
            self._turns(bytes(self._held) + data)
        return True

    def close(self) -> None:
        """Look at what is left, here and within."""
        self._look(bytes(self._held), self._before, len(self._held), last=True)
        self._held.clear()
        for one in self._within or ():
            one.close()
        for inside in self._gathered.values():
            if inside is not None:
                inside.close()

    def inside(self, name: str, offset: int) -> "Node | None":
        """Return a new node for what lies within, or None where it lies too deep."""
        chain = (*self._chain, *name.split(">"))
        return None if len(chain) > self.shared.limits.depth else Node(self.shared, chain, offset)

    def gathered(self, name: str, offset: int) -> "Node | None":
        """Return the one node for all that is short and lies under the same; None as `inside`."""
        if name not in self._gathered:
            self._gathered[name] = self.inside(name, offset)
        return self._gathered[name]

    def unseen(self, reason: Reason, name: str, offset: int) -> None:
        """Note what cannot be looked into; the first place stands for all."""
        chain = chain_text((*self._chain, name))
        self.shared.unseen.setdefault((reason, chain), Unseen(reason, chain, offset))

    def offset_of(self, at: int) -> int:
        """Return where a place in the window now looked at comes from, in the bytes as they were fed."""
        place = self._at + at
        if self._origins is None:
            return place
        return self._origins[bisect_right(self._origins, (place, 1 << 62)) - 1][1]

    def _turns(self, held: bytes) -> None:
        begin = self._before
        while len(held) >= begin + _TURN_BYTES + AHEAD_BYTES:
            self._look(held, begin, begin + _TURN_BYTES)
            begin += _TURN_BYTES
        self._before = min(begin, BEFORE_BYTES)
        self._held = bytearray(held[begin - self._before :])
        self._at += begin - self._before
        if self._origins is not None:
            self._origins = self._origins[max(0, bisect_right(self._origins, (self._at, 1 << 62)) - 1) :]

    def _look(self, window: bytes, begin: int, end: int, *, last: bool = False) -> None:
        hits = haystack().search(window, begin, end)
        for at, needle in hits.needles:
            mark = self.shared.proven(body_of(needle, window, at, AHEAD_BYTES))
            if mark is not None:
                self.shared.saw(mark, self._chain + needle.chain, self.offset_of(at))
        if last and self._within is None and hits.nothing_within:
            return  # most of what is short: nothing has begun, and nothing can begin any more
        packed, runs, deltas = self._lookers()
        packed.look(window, begin, end, hits.formats)
        runs.look(window, begin, end, hits.run)
        deltas.look(window, begin, end, hits, last=last)

    def _lookers(self) -> "_Within":
        if self._within is None:
            self._within = _Within(Packed(self), Runs(self), Deltas(self))
        return self._within
