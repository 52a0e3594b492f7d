"""Leaving: from which request on a place was no longer asked first, told apart from chance.

Whoever spreads its load over places asks none of them for a while, by chance. So it is not enough that a place is
hardly asked: it has left whoever asks it so little that one who stays would hardly ever do so. That is a scan for the
stretch of requests that is least likely to be a stayer's (a scan statistic; Naus, JASA 60, 1965).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import msgspec

from brownout.intervals import Share, chance_of_fewer

TRICKLE = 0.35
"""Of what went to a place before: as much may be probes. Whether it has healed can only be asked by asking it."""

# Of stayers with shares from 0.2 to 0.95, two in a hundred at most have a stretch below the first, two in five at most
# one below the second: of these it takes more of the same to tell (tested).
_LEFT, _MAY_HAVE_LEFT = 0.0003, 0.1
_EXPECTED_MIN = 5  # requests that a stayer would send there in the shortest stretch
_PART_MIN = 0.2  # of the fault's requests: who is back sooner only paused (but at the fault's end, nobody can say)
_CAUTION = 0.84  # standard errors: the share before is known from few requests, and may have been less
_SHARE_MAX = 0.97  # even who sends everything to one place tries another now and then
_EXACT_UP_TO = 1500


class Leaving(msgspec.Struct, frozen=True):
    """The requests of a fault, in order, and which of them went to the faulted place first.

    Attributes:
        before: how many of the requests before all faults went there first.
        firsts: for each request, seconds since the fault came on, and whether it went there first.
        plays: from how many plays of the test they are.
        alike: as how many plays like these it is to count.
    """

    before: Share
    firsts: tuple[tuple[float, bool], ...]
    plays: int = 1
    alike: int = 1

    @property
    def value(self) -> float:
        """Seconds until the place was left: 0 when it was not asked after the fault began; infinite when never."""
        return self.interval()[1]

    def interval(self) -> tuple[float, float]:
        """Return the earliest instant at which it may have been left, and from which on it surely had been."""
        share = self._share_at_least()
        stretches = [(start, self._chance(length, came, share)) for start, length, came in self._quiet()]
        low, high = (
            min((start for start, chance in stretches if chance <= most), default=None)
            for most in (_MAY_HAVE_LEFT, _LEFT)
        )
        return self._instant(low), self._instant(high)

    def times(self, repeats: int) -> "Leaving":
        """Return what so many repeats like this one would make."""
        return msgspec.structs.replace(self, alike=self.alike * repeats)

    def with_(self, others: "Sequence[Leaving]") -> "Leaving":
        """Return this and others as one: their requests in the order of when they came in their fault."""
        every = [self, *others]
        return Leaving(
            before=self.before.with_([one.before for one in others]),
            firsts=tuple(sorted(first for one in every for first in one.firsts)),
            plays=sum(one.plays for one in every),
        )

    def _instant(self, start: int | None) -> float:
        if start is None:
            return math.inf
        return max(self.firsts[start][0], 0.0) if any(there for _, there in self.firsts[:start]) else 0.0

    def _quiet(self) -> Iterator[tuple[int, int, int]]:
        """Yield each stretch in which no more than a trickle came: its start, its length, and how many came.

        It begins and ends where one that came begins and ends: between these, the longest is the least likely. No more
        than a trickle came at its beginning, too: a long quiet time does not make up for a late leaving.
        """
        hits = [there for _, there in self.firsts]
        count, came_by = len(hits), [0, *accumulate(hits)]
        at_end = math.ceil(_EXPECTED_MIN * self.plays / self.before.value)
        shortest, most = max(at_end, math.ceil(_PART_MIN * count)), TRICKLE * self.before.value
        starts = [at for at in range(count) if not hits[at] and (at == 0 or hits[at - 1])]
        ends = [at for at in range(1, count + 1) if not hits[at - 1] and (at == count or hits[at])]
        for start in starts:
            if came_by[min(start + shortest, count)] - came_by[start] > most * shortest:
                continue
            for end in ends:
                length, came = end - start, came_by[end] - came_by[start]
                if length >= (at_end if end == count else shortest) and came <= most * length:
                    yield start, length, came

    def _chance(self, length: int, came: int, share: float) -> float:
        """Return how likely one that stays, at such a share, would send so few there, of so many."""
        of, hits = length * self.alike, came * self.alike
        if of <= _EXACT_UP_TO:
            return chance_of_fewer(hits + 1, of, share)
        seen = hits / of
        apart = (1 - seen) * math.log((1 - seen) / (1 - share)) + (seen * math.log(seen / share) if seen else 0.0)
        return math.exp(-of * apart)  # no more than this (Chernoff, Ann. Math. Statist. 23, 1952)

    def _share_at_least(self) -> float:
        of, value = self.before.of * self.alike, self.before.value
        error = math.sqrt(max(value * (1 - value), 0.5 / of) / of)
        return min(value - _CAUTION * error, _SHARE_MAX)


class Leavings(msgspec.Struct, frozen=True):
    """Several faults of one test, by their injections' ids: the one whose place was left last counts."""

    of: Mapping[str, Leaving]

    @property
    def value(self) -> float:
        """Seconds until the last of the places was left."""
        return max(one.value for one in self.of.values())

    def interval(self) -> tuple[float, float]:
        """Return when the last of them may have been left, and when it surely had been."""
        lows, highs = zip(*(one.interval() for one in self.of.values()), strict=True)
        return max(lows), max(highs)

    def times(self, repeats: int) -> "Leavings":
        """Return what so many repeats like this one would make."""
        return Leavings({name: one.times(repeats) for name, one in self.of.items()})

    def with_(self, others: "Sequence[Leavings]") -> "Leavings":
        """Return this and others as one, fault by fault."""
        every: dict[str, list[Leaving]] = {}
        for sample in [self, *others]:
            for name, one in sample.of.items():
                every.setdefault(name, []).append(one)
        return Leavings({name: first.with_(rest) for name, (first, *rest) in every.items()})
