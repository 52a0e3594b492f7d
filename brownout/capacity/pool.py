"""Capacity shared with the rest of the world: how full it is, who is refused for it, and how long the others wait.

How full it is follows from three things: the world's own load, a slow wave that depends on the seed and on the time
alone; surges; and what this endpoint's callers had generated lately. No provider publishes how it refuses. The curve
here is fitted to what users of Vertex report for Dynamic Shared Quota: about 1 % of requests are refused on a quiet
day, and 80 to 100 % when the pool is exhausted.
"""

import math
import random
from typing import Annotated

import msgspec

from brownout.capacity.core import Seat
from brownout.capacity.shares import Shares
from brownout.capacity.words import Sentence, Words

_HALFWAY = 0.93
_STEEPNESS = 0.05
"""The curve of refusals over how full the pool is: 1 % below 0.6, 36 % at 0.9, 80 % at 1, 97 % at 1.1."""
_BREAKS_AT = 1.2
_BROKEN_AT = 2.0
"""Between these two the refusals turn from 429 to 503."""
_SERVERS_POWER = 7
"""The queue before many servers is short until they are nearly full: the power of Sakasegawa's approximation for 31."""
_WAVES = ((1.0, 0.6), (0.37, 0.3), (0.11, 0.1))
"""The world's load: sines of these periods (ratio of the period set) and weights, which never line up."""


class Surge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which the world asks for more: ``load`` is a ratio of the pool, on top of the rest."""

    at_s: Annotated[float, msgspec.Meta(ge=0)]
    for_s: Annotated[float, msgspec.Meta(gt=0)]
    load: Annotated[float, msgspec.Meta(gt=0)]


class Pool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pool's settings.

    Attributes:
        tokens_per_s: what it carries, prompts and answers together.
        background: the mean load of everybody else (ratio of the pool).
        swing: how far that load strays from its mean, at most (ratio of the pool).
        period_s: how slowly it does.
        surges: when everybody else asks for more.
        refused_at_rest: the share of requests refused though the pool has room (ratio).
        slowest: the longest wait in the queue, in times to the first token.
        averaged_s: the time over which the load of this endpoint's callers is averaged.
    """

    tokens_per_s: Annotated[float, msgspec.Meta(gt=0)]
    background: Annotated[float, msgspec.Meta(ge=0)] = 0.6
    swing: Annotated[float, msgspec.Meta(ge=0)] = 0.1
    period_s: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    surges: tuple[Surge, ...] = ()
    refused_at_rest: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    slowest: Annotated[float, msgspec.Meta(ge=1)] = 8.0
    averaged_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0


class SharedPool:
    """A pool and the load on it.

    Args:
        settings: the pool.
        rng: the endpoint's own; it sets the waves at the start, and draws once for each request.

    Attributes:
        shares: told of requests that a whole pool would not have refused.
    """

    def __init__(self, settings: Pool, rng: random.Random) -> None:  # noqa: TID251 - a type
        self._settings = settings
        self._rng = rng
        self._phases = [rng.uniform(0.0, math.tau) for _ in _WAVES]
        self._own = 0.0
        self._at_s = 0.0
        self._share = 1.0
        self._surge = 0.0
        self.shares = Shares()

    def utilisation(self, now_s: float) -> float:
        """Return how much is asked of the pool (ratio of what it carries); more than 1 when it is exhausted."""
        settings = self._settings
        own = self._fading(now_s, self._at_s, self._own) / (settings.averaged_s * settings.tokens_per_s)
        return (self._background(now_s) + self._surge + own) / self._share

    def refused_ratio(self, now_s: float, ahead: float = 0.0) -> float:
        """Return the share of requests refused now (ratio).

        Args:
            now_s: the time.
            ahead: by how much emptier the pool looks to the request's tier.
        """
        return self._refused_at(self.utilisation(now_s) - ahead)

    def queue(self, now_s: float, ahead: float = 0.0) -> float:
        """Return how much longer the first token takes than in an empty pool (ratio, 1 and more)."""
        full = min(max(self.utilisation(now_s) - ahead, 0.0), 0.999)
        return min(1.0 + full**_SERVERS_POWER / (1.0 - full), self._settings.slowest)

    def verdict(self, now_s: float, words: Words, ahead: float = 0.0) -> Sentence | None:
        """Draw whether a request is refused; return the provider's sentence, or None when it gets in."""
        drawn = self._rng.random()
        refused = self.refused_ratio(now_s, ahead)
        if drawn >= refused:
            return None
        if drawn >= self._refused_at(self.utilisation(now_s) * self._share - ahead):
            self.shares.note_refused()
        beyond = (self.utilisation(now_s) - ahead - _BREAKS_AT) / (_BROKEN_AT - _BREAKS_AT)
        return words.broken if drawn < refused * beyond else words.full

    def load(self, now_s: float, tokens: float) -> None:
        """Put a request's tokens on the pool."""
        self._own = self._fading(now_s, self._at_s, self._own) + tokens
        self._at_s = now_s

    def unload(self, now_s: float, tokens: float, since_s: float) -> None:
        """Take tokens off again that were put on at ``since_s`` and were never generated."""
        gone = self._fading(now_s, since_s, tokens)
        self._own = max(0.0, self._fading(now_s, self._at_s, self._own) - gone)
        self._at_s = now_s

    def shrink(self, ratio: float) -> None:
        """Leave only a share of the pool (ratio, above 0): capacity was lost."""
        self._share = max(ratio, 1e-3)

    def surge(self, load: float) -> None:
        """Put so much more of the world's load (ratio of the pool) on it."""
        self._surge = load

    def restore(self) -> None:
        """Undo `shrink` and `surge`."""
        self._share, self._surge = 1.0, 0.0

    def _refused_at(self, full: float) -> float:
        rest = self._settings.refused_at_rest
        return rest + (1.0 - rest) / (1.0 + math.exp(min((_HALFWAY - full) / _STEEPNESS, 700.0)))

    def _background(self, now_s: float) -> float:
        settings = self._settings
        wave = sum(
            weight * math.sin(math.tau * now_s / (settings.period_s * period) + phase)
            for (period, weight), phase in zip(_WAVES, self._phases, strict=True)
        )
        surges = sum(surge.load for surge in settings.surges if surge.at_s <= now_s < surge.at_s + surge.for_s)
        return max(0.0, settings.background + settings.swing * wave) + surges

    def _fading(self, now_s: float, since_s: float, tokens: float) -> float:
        return tokens * math.exp(-max(now_s - since_s, 0.0) / self._settings.averaged_s)


class QueuedSeat:
    """A seat whose first token waits in the pool's queue, and all after it as long.

    Args:
        seat: the seat without a queue.
        wait_s: the time in the queue.
    """

    __slots__ = ("_seat", "_wait_s", "failure", "tier")

    def __init__(self, seat: Seat, wait_s: float) -> None:
        self._seat = seat
        self._wait_s = wait_s
        self.tier = seat.tier
        self.failure: Exception | None = None

    def token_due_s(self, index: int) -> float | None:
        """Return when a token is due."""
        due_s = self._seat.token_due_s(index)
        return None if due_s is None else due_s + self._wait_s
