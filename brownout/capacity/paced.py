"""The plain endpoint: a token bucket at its door, a bound on requests in flight, a pace that load does not change."""

import random
from collections.abc import Mapping

import msgspec

from brownout.capacity.core import Demand, Seat
from brownout.capacity.shares import Shares, Shrinkable
from brownout.wire import Meter, Refusal

_EPSILON = 1e-9
"""Forgives rounding: a caller who comes back exactly when told to must find its token."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an endpoint can carry before it refuses or slows down by itself.

    ``ttft_s`` and ``inter_token_s`` are medians of an unloaded endpoint; ``jitter`` is the half-width of
    their uniform spread (ratio). ``rate_rps`` and ``burst`` bound admission (a token bucket), and
    ``concurrent`` the requests in flight; None is unbounded.
    """

    ttft_s: float = 0.15
    inter_token_s: float = 0.01
    jitter: float = 0.2
    rate_rps: float | None = None
    burst: float = 10.0
    concurrent: int | None = None


class PacedSeat:
    """An admitted request whose tokens come at a pace of its own: its schedule is known from the start.

    Args:
        first_s: when the first token is due.
        inter_token_s: the time between tokens.
        tier: what serves it.
    """

    __slots__ = ("_first_s", "_inter_token_s", "failure", "tier")

    def __init__(self, first_s: float, inter_token_s: float, tier: str = "") -> None:
        self._first_s = first_s
        self._inter_token_s = inter_token_s
        self.tier = tier
        self.failure: Exception | None = None

    def token_due_s(self, index: int) -> float | None:
        """Return when a token is due."""
        return self._first_s + index * self._inter_token_s


class Pace:
    """Draws each request's pace: uniformly within ``jitter`` of the medians.

    Args:
        limits: the medians.
        rng: this endpoint's.
    """

    def __init__(self, limits: Limits, rng: random.Random) -> None:  # noqa: TID251 - a type
        self._limits = limits
        self._rng = rng

    def seat(self, now_s: float, *, slower: float = 1.0, tier: str = "") -> PacedSeat:
        """Return a seat taken now.

        Args:
            now_s: the time.
            slower: multiplies both times (ratio).
            tier: what serves it.
        """
        ttft_s = self._limits.ttft_s * self._spread() * slower
        return PacedSeat(now_s + ttft_s, self._limits.inter_token_s * self._spread() * slower, tier)

    def _spread(self) -> float:
        return 1.0 + self._limits.jitter * self._rng.uniform(-1.0, 1.0)


class Paced(Shrinkable):
    """Admits requests while there is room.

    A bucket holds ``max(burst, 1)`` tokens and fills at ``rate_rps``; a request takes one. A request that finds
    every server busy takes none.

    Args:
        limits: what the endpoint can carry.
        rng: draws each request's pace.
    """

    listening = True

    def __init__(self, limits: Limits, rng: random.Random) -> None:  # noqa: TID251 - a type
        self._limits = limits
        self._pace = Pace(limits, rng)
        self._depth = max(limits.burst, 1.0)
        self._tokens = self._depth
        self._filled_at_s = 0.0
        self._share = 1.0
        self.in_flight = 0
        self.shares = Shares()

    def admit(self, now_s: float, demand: Demand) -> Seat:
        """Let a request in, or not.

        Raises:
            Refusal: ``throttled``, with the seconds until the bucket holds a token again, or ``overloaded``.
        """
        del demand  # all requests weigh the same here
        limits = self._limits
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            raise Refusal("overloaded")
        if limits.rate_rps is not None:
            self._take(now_s, limits.rate_rps * self._share)
        self.in_flight += 1
        return self._pace.seat(now_s)

    def release(self, now_s: float, seat: Seat, output_tokens: int) -> None:
        """Give an admitted request's slot back."""
        del now_s, seat, output_tokens  # the bucket fills by itself
        self.in_flight -= 1

    def wakes_at_s(self) -> float | None:
        """Return None: nothing happens here by itself."""
        return None

    def advance(self, now_s: float) -> list[Seat]:
        """Return nothing: every schedule is known at admission."""
        del now_s
        return []

    def standing(self, now_s: float) -> Mapping[str, Meter]:
        """Return what is left of the bucket, where there is one."""
        limits = self._limits
        if limits.rate_rps is None:
            return {}
        rate_rps = limits.rate_rps * self._share
        self._fill(now_s, rate_rps)
        reset_s = (self._depth - self._tokens) / rate_rps if rate_rps > 0 else 60.0
        remaining = max(int(self._tokens + _EPSILON), 0)  # the same forgiveness that lets a request in
        return {"requests": Meter(max(int(self._depth), remaining), remaining, reset_s)}

    def shrink(self, now_s: float, ratio: float) -> None:
        """Enforce only a share of the rate and of the bucket (ratio, 0 to 1) from now on; what is used stays used.

        The bucket never holds less than one request, unless nothing is left of the rate. An endpoint without
        ``rate_rps`` has nothing that could shrink.
        """
        if self._limits.rate_rps is None:
            return
        self._fill(now_s, self._limits.rate_rps * self._share)
        used = self._depth - self._tokens
        self._share = ratio
        self._depth = max(self._limits.burst * ratio, 1.0) if ratio > 0 else 0.0
        self._tokens = self._depth - used

    def restore(self, now_s: float) -> None:
        """Undo `shrink`."""
        self.shrink(now_s, 1.0)

    def _take(self, now_s: float, rate_rps: float) -> None:
        self._fill(now_s, rate_rps)
        if self._tokens < 1.0 - _EPSILON:
            used = self._depth - self._tokens
            if max(self._limits.burst, 1.0) - used >= 1.0 - _EPSILON:
                self.shares.note_refused()
            wait_s = (1.0 - self._tokens) / rate_rps if rate_rps > 0 else None
            raise Refusal("throttled", retry_after_s=wait_s)
        self._tokens -= 1.0

    def _fill(self, now_s: float, rate_rps: float) -> None:
        elapsed_s = max(now_s - self._filled_at_s, 0.0)
        self._tokens = min(self._depth, self._tokens + elapsed_s * rate_rps)
        self._filled_at_s = max(now_s, self._filled_at_s)
