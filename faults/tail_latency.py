"""tail-latency: most replies are as ever, a few are awfully late."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event
from faults._layers import ReplyOnly, finishing


@fault(
    "tail-latency",
    Entry(
        family="gray",
        colour="#f4d03f",
        sees="The median reply is as fast as ever; one in fifty begins seconds late, and some of these far later.",
        seen=(
            (
                "every service that is shared, every day: a queue before one of many servers, a pause for collection, "
                "a retry within (Dean and Barroso, The Tail at Scale, Communications of the ACM 56(2), 2013)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class TailLatency(ReplyOnly):
    """A small part of the replies gets a delay from a heavy tail: Pareto's distribution, cut off at its end.

    One of every so many requests is late, at a random place among them: drawn one by one, a share of a tenth would
    leave a hundredth of all short faults without a single late reply. How late they are is drawn one by one.

    Averages and medians hardly move; whoever looks at the 99th percentile, or asks for many things at once, feels it.

    Attributes:
        tail_share: the part of the requests that is late, from 0 to 1.
        delay_s: the least delay of these, in seconds.
        shape: how fast the tail thins out, no unit: of the late ones, a part of (delay_s / x) to the power of it is
            later than x (a little less near the end). The lower, the heavier.
        max_delay_s: the greatest delay, in seconds; at least ``delay_s``.
    """

    tail_share: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.02
    delay_s: Annotated[float, msgspec.Meta(gt=0.0)] = 2.0
    shape: Annotated[float, msgspec.Meta(gt=0.0, le=10.0)] = 1.5
    max_delay_s: Annotated[float, msgspec.Meta(gt=0.0)] = 60.0

    def __post_init__(self) -> None:
        """Refuse a tail that ends before it begins."""
        if self.max_delay_s < self.delay_s:
            raise ValueError(f"max_delay_s must be at least delay_s ({self.delay_s:g})")

    def drawn_s(self, level: float) -> float:
        """Return the delay below which a part of the late replies is; the part is from 0 to 1."""
        kept = 1.0 - (self.delay_s / self.max_delay_s) ** self.shape  # of the whole tail, before the cut
        drawn_s: float = self.delay_s * (1.0 - level * kept) ** (-1.0 / self.shape)
        return min(max(drawn_s, self.delay_s), self.max_delay_s)  # rounding must not lead out of the bounds

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Wait before the first event, now and then."""
        async with finishing(reply):
            if self._late(exchange):
                exchange.fired()
                await exchange.sleep(self.drawn_s(exchange.rng.random()))
            async for event in reply:
                yield event

    def _late(self, exchange: Exchange) -> bool:
        """The places of the late ones are numbers between one whole number of shares and the next."""
        memory = exchange.memory
        memory["asked"] = memory.get("asked", 0) + 1
        late = memory.get("late", 0)
        if "place" not in memory:
            memory["place"] = (late + exchange.rng.random()) / self.tail_share
        if memory["asked"] <= memory["place"]:
            return False
        del memory["place"]
        memory["late"] = late + 1
        return True
