"""Intervals: what a figure from a sample says of the figure behind it, and how much more of the same would settle it.

Every interval has about 95 % confidence on each side, because a bound is only ever crossed on one. Samples are taken as
independent; requests that fail come in clusters, so that the truth is somewhat wider than this.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, Protocol

import msgspec

CONFIDENCE = 0.95
REPEATS_MAX = 200
_Z = NormalDist().inv_cdf(CONFIDENCE)
_FEW = 20  # of the rarer kind: below it Wilson's interval ends too soon towards the middle
_HALVINGS = 60


class Share(msgspec.Struct, frozen=True):
    """``hits`` of ``of``: a rate."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The rate seen."""
        return self.hits / self.of

    def interval(self) -> tuple[float, float]:
        """Return Wilson's score interval (JASA 22, 1927), made exact where it is far from what it says.

        Towards 0 and 1 it misses the rate in 7 cases of 100 (9 of samples of ten), and not in 5. Towards the middle it
        would miss it in up to 20 while there are only a few of the rarer kind (one lost request must not prove
        that a promise of 99.9 % is broken): there the exact one is taken (Clopper and Pearson, Biometrika 26, 1934).
        """
        low, high = self._wilson()
        lost = self.of - self.hits
        if 0 < lost <= min(self.hits, _FEW):
            high = max(high, 1 - _least_rate(lost, self.of))
        if 0 < self.hits <= min(lost, _FEW):
            low = min(low, _least_rate(self.hits, self.of))
        return low, high

    def _wilson(self) -> tuple[float, float]:
        count, seen, square = self.of, self.value, _Z * _Z
        middle = seen + square / (2 * count)
        half = _Z * math.sqrt(seen * (1 - seen) / count + square / (4 * count * count))
        scale = 1 + square / count
        low = 0.0 if self.hits == 0 else (middle - half) / scale
        high = 1.0 if self.hits == count else (middle + half) / scale
        return low, high

    def times(self, repeats: int) -> "Share":
        """Return what so many repeats like this one would make."""
        return Share(self.hits * repeats, self.of * repeats)

    def with_(self, others: "Sequence[Share]") -> "Share":
        """Return this and others as one sample."""
        return Share(self.hits + sum(one.hits for one in others), self.of + sum(one.of for one in others))


class Kept(msgspec.Struct, frozen=True):
    """What is left of a share: ``now`` relative to ``before``, at most all of it."""

    now: Share
    before: Share

    @property
    def value(self) -> float:
        """The ratio seen."""
        return min(self.now.value / self.before.value, 1.0)

    def interval(self) -> tuple[float, float]:
        """Return the interval of the ratio of two shares, from their own ones.

        Each end is as far off as the two ends behind it together are (Donner and Zou, Statistical Methods in Medical
        Research 21(4), 2012): what a few requests told of the share before is no firmer than what they tell of it now.
        """
        now, before = self.now.value, self.before.value
        (now_low, now_high), (before_low, before_high) = self.now.interval(), self.before.interval()
        product = now * before
        low = _root(product, now_low * (2 * now - now_low), before_high * (2 * before - before_high), sign=-1)
        high = _root(product, now_high * (2 * now - now_high), before_low * (2 * before - before_low), sign=1)
        return min(max(low, 0.0), 1.0), min(high, 1.0)

    def times(self, repeats: int) -> "Kept":
        """Return what so many repeats like this one would make."""
        return Kept(self.now.times(repeats), self.before.times(repeats))

    def with_(self, others: "Sequence[Kept]") -> "Kept":
        """Return this and others as one sample."""
        return Kept(self.now.with_([one.now for one in others]), self.before.with_([one.before for one in others]))


def _root(product: float, of_now: float, of_before: float, *, sign: int) -> float:
    if of_before <= 0:
        return -math.inf if sign < 0 else math.inf  # the share before may have been anything
    return (product + sign * math.sqrt(max(product * product - of_now * of_before, 0.0))) / of_before


class Quantile(msgspec.Struct, frozen=True):
    """The ``at`` quantile (nearest rank) of ``values``, which are in order."""

    values: tuple[float, ...]
    at: float

    @property
    def value(self) -> float:
        """The quantile seen."""
        return self.values[self._rank(self.at * len(self.values))]

    def interval(self) -> tuple[float, float]:
        """Return the order statistics around the quantile (Conover, Practical Nonparametric Statistics, 3.2).

        Without enough samples beyond the quantile, nothing bounds it on that side.
        """
        count = len(self.values)
        half = _Z * math.sqrt(count * self.at * (1 - self.at))
        low, high = math.floor(self.at * count - half), math.ceil(self.at * count + half)
        return (
            self.values[low - 1] if low >= 1 else -math.inf,
            self.values[high - 1] if high <= count else math.inf,
        )

    def times(self, repeats: int) -> "Quantile":
        """Return what so many repeats like this one would make."""
        return Quantile(tuple(value for value in self.values for _ in range(repeats)), self.at)

    def with_(self, others: "Sequence[Quantile]") -> "Quantile":
        """Return this and others as one sample."""
        return Quantile(tuple(sorted([*self.values, *(value for one in others for value in one.values)])), self.at)

    def _rank(self, place: float) -> int:
        return min(max(math.ceil(place), 1), len(self.values)) - 1


class Mean(msgspec.Struct, frozen=True):
    """The mean of ``values``."""

    values: tuple[float, ...]

    @property
    def value(self) -> float:
        """The mean seen."""
        return math.fsum(self.values) / len(self.values)

    def interval(self) -> tuple[float, float]:
        """Return the normal interval of a mean; of a single value, without bounds."""
        count, mean = len(self.values), self.value
        if count < 2:
            return -math.inf, math.inf
        variance = math.fsum((value - mean) ** 2 for value in self.values) / (count - 1)
        half = _Z * math.sqrt(variance / count)
        return mean - half, mean + half

    def times(self, repeats: int) -> "Mean":
        """Return what so many repeats like this one would make."""
        return Mean(self.values * repeats)

    def with_(self, others: "Sequence[Mean]") -> "Mean":
        """Return this and others as one sample."""
        return Mean((*self.values, *(value for one in others for value in one.values)))


class Split(msgspec.Struct, frozen=True):
    """How far ``of`` are from falling on arms by the shares ``meant``: the arm counts that is furthest off.

    ``hits`` are those that fell on each arm; what fell on none is in ``of`` alone.
    """

    hits: tuple[int, ...]
    meant: tuple[float, ...]
    of: int

    @property
    def value(self) -> float:
        """The deviation seen."""
        return max(abs(hits / self.of - meant) for hits, meant in zip(self.hits, self.meant, strict=True))

    def interval(self) -> tuple[float, float]:
        """Return how near to its share, and how far from it, the worst arm may be by its share's own interval."""
        ends = [(*Share(hits, self.of).interval(), meant) for hits, meant in zip(self.hits, self.meant, strict=True)]
        near = max(max(low - meant, meant - high, 0.0) for low, high, meant in ends)
        return near, max(max(meant - low, high - meant) for low, high, meant in ends)

    def times(self, repeats: int) -> "Split":
        """Return what so many repeats like this one would make."""
        return Split(tuple(hits * repeats for hits in self.hits), self.meant, self.of * repeats)

    def with_(self, others: "Sequence[Split]") -> "Split":
        """Return this and others, of the same arms, as one sample."""
        hits = tuple(map(sum, zip(self.hits, *(one.hits for one in others), strict=True)))
        return Split(hits, self.meant, self.of + sum(one.of for one in others))


class Longest(msgspec.Struct, frozen=True):
    """The longest of waits: of those that ended, and of those that had not when nobody could watch any longer."""

    ended: tuple[float, ...] = ()
    open: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The longest seen; without end, where one was not seen to end."""
        return math.inf if self.open else max(self.ended)

    def interval(self) -> tuple[float, float]:
        """Return the longest, twice; of a wait without end, only how long it was at least."""
        return max([*self.ended, *self.open]), self.value

    def times(self, repeats: int) -> "Longest":
        """Return the same: no repeat watches for longer."""
        del repeats
        return self

    def with_(self, others: "Sequence[Longest]") -> "Longest":
        """Return this and others as one sample."""
        every = [self, *others]
        return Longest(
            tuple(value for one in every for value in one.ended), tuple(value for one in every for value in one.open)
        )


class Sample(Protocol):
    """What a figure was taken from, where another sample of the same would give another figure."""

    @property
    def value(self) -> float:
        """The figure seen."""

    def interval(self) -> tuple[float, float]:
        """Return between which figures the one behind it lies."""

    def times(self, repeats: int) -> "Sample":
        """Return what so many repeats like this one would make."""

    def with_(self, others: Sequence[Any]) -> "Sample":
        """Return this and others of its kind as one sample."""


def pooled(samples: Sequence[Sample]) -> Sample:
    """Return samples of one kind, as they are of one metric, as one."""
    first, *others = samples
    return first.with_(others)


def settled(sample: Sample, holds: Callable[[float], bool]) -> bool:
    """Return whether a sample tells if a bound is kept: its figure and both ends of its interval agree."""
    low, high = sample.interval()
    return holds(low) == holds(sample.value) == holds(high)


def settles_in(sample: Sample, holds: Callable[[float], bool], at_most: int = REPEATS_MAX) -> int | None:
    """Return how many times as much of the same would tell whether a bound is kept; None where it would not either.

    Args:
        sample: of one repeat, or of several pooled (then the answer counts in as many).
        holds: whether a figure keeps the bound.
        at_most: how many times are to be had.
    """
    if not settled(sample.times(at_most), holds):
        return None
    low, high = 1, at_most
    while low < high:
        middle = (low + high) // 2
        if settled(sample.times(middle), holds):
            high = middle
        else:
            low = middle + 1
    return low


def _least_rate(hits: int, of: int) -> float:
    """Return the smallest rate at which a sample has so many hits, or more, in 5 % of the cases."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        rate = (low + high) / 2
        if chance_of_fewer(hits, of, rate) > CONFIDENCE:
            low = rate
        else:
            high = rate
    return low


def chance_of_fewer(hits: int, of: int, rate: float) -> float:
    """Return how likely a sample of so many has fewer hits than so many, at a rate below 1."""
    term = (1 - rate) ** of
    total = 0.0
    for number in range(hits):
        total += term
        term *= (of - number) / (number + 1) * rate / (1 - rate)
    return total
