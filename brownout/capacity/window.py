"""The arithmetic of a quota: so much in a length of time, with what is used running off or forgotten at a boundary.

Both shapes are known in the field, and providers seldom say which is theirs: *continuous* (a token bucket: Anthropic's
"Rate limits", and what AWS's "deducted" and "replenished" amount to) and *fixed* (a counter that starts again when a
window of the provider's own clock ends: Vertex's Provisioned Throughput).
"""

import math
from abc import ABC, abstractmethod
from typing import Literal, TypeAlias

from brownout.wire import Meter

Refill: TypeAlias = Literal["continuous", "fixed"]

_EPSILON = 1e-9
"""Forgives rounding (ratio of the quota): a caller who comes back exactly when told to must find its tokens."""


class Quota(ABC):
    """One quota and what is used of it.

    More than the quota may be used (a charge that turns out greater than its reservation); nobody gets in before it
    is worked off.

    Args:
        limit: how much in ``per_s`` seconds.
        per_s: the length of time the limit is stated for.
        window_s: the length of time it is enforced over. 60 a minute over one second is one a second: the same rate,
            no burst. Stretched to the time in which one is allowed, where that is longer.

    Attributes:
        limit: what is in force, in ``per_s`` seconds.
        depth: the most that can be used at once.
    """

    def __init__(self, limit: float, *, per_s: float = 60.0, window_s: float = 60.0) -> None:
        self._bought = limit
        self._per_s = per_s
        self._window_s = window_s
        self._share = 1.0
        self._used = 0.0
        self._at_s = 0.0
        self._enforce()

    def room(self, now_s: float) -> float:
        """Return what is left; negative while more than the quota is used."""
        return self.depth - self.used(now_s)

    def wait_s(self, now_s: float, amount: float) -> float | None:
        """Return how long until an amount fits if nobody takes any meanwhile: 0 for now, None for never."""
        over = self.used(now_s) + amount - self.depth
        if over <= self._slack:
            return 0.0
        if amount > self.depth + self._slack or self._rate <= 0:
            return None
        return self._runs_off_s(now_s, over)

    def take(self, now_s: float, amount: float) -> None:
        """Use an amount, whether it fits or not."""
        self._used = self.used(now_s) + amount
        self._at_s = now_s

    def give(self, now_s: float, amount: float, since_s: float) -> None:
        """Give back an amount that was taken at ``since_s``; nothing that ran off meanwhile comes back twice."""
        if self._counts(since_s, now_s):
            self._used = max(0.0, self.used(now_s) - amount)
            self._at_s = now_s

    def shrink(self, now_s: float, ratio: float) -> None:
        """Enforce only a share of the quota (ratio, 0 to 1) from now on; what is used stays used."""
        self._used = self.used(now_s)
        self._at_s = now_s
        self._share = ratio
        self._enforce()

    def fits_whole(self, now_s: float, amount: float) -> bool:
        """Return whether an amount would fit now if all of the quota were enforced."""
        _, _, depth = self._shape(self._bought)
        return self.used(now_s) + amount - depth <= _EPSILON * max(depth, 1.0)

    def meter(self, now_s: float) -> Meter:
        """Return the limit in force, what fits now, and the seconds until nothing is used any more."""
        used = self.used(now_s)
        remaining = max(0, math.floor(self.depth - used + self._slack) + 1)
        while remaining and used + remaining - self.depth > self._slack:  # the very sum that decides
            remaining -= 1
        reset_s = self._runs_off_s(now_s, used) if used > 0 else 0.0
        return Meter(math.floor(self.limit + self._slack), remaining, reset_s)

    @abstractmethod
    def used(self, now_s: float) -> float:
        """Return what is used."""

    @abstractmethod
    def _runs_off_s(self, now_s: float, amount: float) -> float:
        """Return how long until so much less is used."""

    @abstractmethod
    def _counts(self, since_s: float, now_s: float) -> bool:
        """Return whether something used then may count still."""

    def _enforce(self) -> None:
        self.limit = self._bought * self._share
        self._rate, self._span_s, self.depth = self._shape(self.limit)
        self._slack = _EPSILON * max(self.depth, 1.0)

    def _shape(self, limit: float) -> tuple[float, float, float]:
        """Return the rate, the window and the depth of a limit."""
        rate = limit / self._per_s
        rate = rate if rate > _EPSILON else 0.0  # one in thirty years is none
        span_s = max(self._window_s, 1.0 / rate) if rate > 0 else self._window_s
        return rate, span_s, limit * (span_s / self._per_s)  # in this order the limit itself, over its own time


class ContinuousQuota(Quota):
    """A token bucket: what is used runs off at the rate of the limit, all the time."""

    def used(self, now_s: float) -> float:
        """Return what is used."""
        return max(0.0, self._used - self._rate * max(now_s - self._at_s, 0.0))

    def _runs_off_s(self, now_s: float, amount: float) -> float:
        del now_s  # it always runs off
        return amount / self._rate if self._rate > 0 else self._window_s

    def _counts(self, since_s: float, now_s: float) -> bool:
        del since_s, now_s  # what ran off is known by the sum only
        return True


class FixedQuota(Quota):
    """A counter that starts again at the end of each window; windows are counted from the clock's 0."""

    def used(self, now_s: float) -> float:
        """Return what is used in the current window."""
        return self._used if self._counts(self._at_s, now_s) else 0.0

    def _runs_off_s(self, now_s: float, amount: float) -> float:
        del amount  # all of it, at once
        return (self._window(now_s) + 1) * self._span_s - now_s

    def _counts(self, since_s: float, now_s: float) -> bool:
        return self._window(since_s) >= self._window(now_s)

    def _window(self, now_s: float) -> int:
        return math.floor(now_s / self._span_s + _EPSILON)


def quota(limit: float, *, per_s: float = 60.0, window_s: float = 60.0, refill: Refill = "continuous") -> Quota:
    """Return a quota of the given shape, unused."""
    shape = ContinuousQuota if refill == "continuous" else FixedQuota
    return shape(limit, per_s=per_s, window_s=window_s)
