"""Intervals: what a figure from a sample says of the figure behind it, and how much more of the same would settle it.

Every interval has 95 % confidence on each side, because a bound is only ever crossed on one. Samples are taken as
independent; requests that fail come in clusters, so that the truth is somewhat wider than this.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import TypeAlias

import msgspec

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(CONFIDENCE)
_REPEATS_MAX = 200


class Share(msgspec.Struct, frozen=True):
    """``hits`` of ``of``: a rate."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The rate seen."""
        return self.hits / self.of

    def interval(self) -> tuple[float, float]:
        """Return Wilson's score interval (JASA 22, 1927), which holds for rates near 0 and 1, too."""
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


Sample: TypeAlias = Share | Quantile | Mean


def pooled(samples: Sequence[Sample]) -> Sample:
    """Return samples of one kind as one."""
    first, *others = samples
    return first.with_(others)  # type: ignore[arg-type]  # of one kind, as they are of one metric


def settles_in(sample: Sample, holds: Callable[[float], bool]) -> int | None:
    """Return how many repeats like this one would tell whether a bound is kept; None where they would not either.

    Args:
        sample: of one repeat, or of several pooled (then the answer counts in as many).
        holds: whether a figure keeps the bound.
    """
    if not _settled(sample.times(_REPEATS_MAX), holds):
        return None
    low, high = 1, _REPEATS_MAX
    while low < high:
        middle = (low + high) // 2
        if _settled(sample.times(middle), holds):
            high = middle
        else:
            low = middle + 1
    return low


def _settled(sample: Sample, holds: Callable[[float], bool]) -> bool:
    low, high = sample.interval()
    return holds(low) == holds(high)
