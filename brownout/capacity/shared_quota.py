"""Dynamic Shared Quota: no quota of one's own, a pool shared with the rest of the world (Gemini on Vertex AI).

    behind: {kind: shared-quota, pool: {tokens_per_s: 500000, background: 0.7}}

Refusals come as the pool fills, to everybody's requests alike, and name no time to come back. See
`brownout.capacity.pool` for the curve, which is fitted: Google publishes none.
"""

import random
from collections.abc import Mapping

import msgspec

from brownout.capacity.core import Demand, Seat
from brownout.capacity.paced import Limits, Pace
from brownout.capacity.passive import Passive, check_limits
from brownout.capacity.pool import Pool, QueuedSeat, SharedPool
from brownout.capacity.shares import Shrinkable
from brownout.capacity.tiers import FLEX, PRIORITY, Tiers, serve, words_of
from brownout.capacity.words import EXCEEDED, WORDS
from brownout.wire import Meter

_WORDS = WORDS["vertex"]


class SharedQuota(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="shared-quota"
):
    """A share of a pool.

    ``limits.concurrent`` bounds the requests open at once.

    Attributes:
        pool: the pool, and the load of the rest of the world on it.
        tiers: what is offered besides standard pay-as-you-go: Priority PayGo and Flex PayGo, by default.
    """

    pool: Pool
    tiers: Tiers = Tiers(priority=PRIORITY, flex=FLEX)

    def __post_init__(self) -> None:
        """Refuse what Vertex does not have."""
        if self.tiers.reserved is not None:
            raise ValueError("tiers.reserved: Vertex has no such tier; Provisioned Throughput is kind: provisioned")

    def make(self, limits: Limits, rng: random.Random) -> "SharedQuotaCapacity":  # noqa: TID251 - a type
        """Return the model of one endpoint, at rest.

        Args:
            limits: the pace of tokens in an empty pool, and the bound on requests open at once.
            rng: the endpoint's own.

        Raises:
            BadInput: ``limits`` say what this model would pass over.
        """
        check_limits(limits, "shared-quota")
        return SharedQuotaCapacity(self, limits, rng)


class SharedQuotaCapacity(Passive, Shrinkable):
    """Admits requests while the pool has room, and makes them wait longer the fuller it is.

    Args:
        settings: the pool.
        limits: the pace, and the bound on requests open at once.
        rng: sets the world's load, and draws each request's pace and who is refused.

    Attributes:
        pool: the pool's state.
    """

    def __init__(self, settings: SharedQuota, limits: Limits, rng: random.Random) -> None:  # noqa: TID251 - a type
        self._settings = settings
        self._limits = limits
        self._pace = Pace(limits, rng)
        self.pool = SharedPool(settings.pool, rng)
        self.shares = self.pool.shares
        self._open: dict[Seat, tuple[float, int]] = {}

    @property
    def in_flight(self) -> int:
        """How many requests are open."""
        return len(self._open)

    def admit(self, now_s: float, demand: Demand) -> Seat:
        """Let a request in, or not.

        Raises:
            Refusal: ``throttled`` when the pool is full, and to a request that must run on Provisioned Throughput
                (none is bought here); ``overloaded`` when the pool is far beyond what it can carry.
        """
        limits = self._limits
        if "dedicated" in words_of(demand.tier):
            raise EXCEEDED.refusal()
        if limits.concurrent is not None and self.in_flight >= limits.concurrent:
            raise _WORDS.crowded.refusal()
        served = serve(self._settings.tiers, demand.tier, _WORDS.tiers)
        refused = self.pool.verdict(now_s, _WORDS, served.ahead)
        if refused is not None:
            raise refused.refusal()
        wait_s = (self.pool.queue(now_s, served.ahead) - 1.0) * limits.ttft_s
        seat = QueuedSeat(self._pace.seat(now_s, slower=served.slower, tier=served.name), wait_s)
        self.pool.load(now_s, demand.prompt_tokens + demand.output_tokens)
        self._open[seat] = (now_s, demand.output_tokens)
        return seat

    def release(self, now_s: float, seat: Seat, output_tokens: int) -> None:
        """Take what was never generated off the pool."""
        opened_s, expected = self._open.pop(seat)
        if expected > output_tokens:
            self.pool.unload(now_s, expected - output_tokens, opened_s)

    def standing(self, now_s: float) -> Mapping[str, Meter]:
        """Return nothing: there is no quota to tell of."""
        del now_s
        return {}

    def shrink(self, now_s: float, ratio: float) -> None:
        """Leave only a share of the pool (ratio, above 0): capacity was lost for everybody."""
        del now_s
        self.pool.shrink(ratio)

    def surge(self, now_s: float, load: float) -> None:
        """Let everybody else ask for more (ratio of the pool) until `restore`."""
        del now_s
        self.pool.surge(load)

    def restore(self, now_s: float) -> None:
        """Undo `shrink` and `surge`."""
        del now_s
        self.pool.restore()
