"""zone-down: one of a region's zones is gone, and its load balancer does not know yet."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Cut, Event, Refusal
from faults._layers import ReplyOnly, finishing


@fault(
    "zone-down",
    Entry(
        family="region",
        colour="#b03a2e",
        sees="A part of the requests fails or hangs, at random, until the load balancer has taken the dead zone out.",
        seen=(
            "AWS me-central-1, 2026-03-01: one zone of three gone, and hours later a second",
            "Google Cloud europe-west9, 2023-04-25: zone a flooded; the region followed (The Register, 2023-05-10)",
            "every zone that fails, for as long as its load balancer's health checks take",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ZoneDown(ReplyOnly):
    """A request that falls to a dead zone fails, until the load balancer has noticed.

    It acts on replies and not on connections, for two reasons. What stands before a provider's zones balances
    requests, so that one connection meets dead zones and live ones in turn. And a toxic of the network stays on a
    connection for as long as the fault is on: it could not heal when the zone is taken out, which is the point here.
    Replies under way when it comes on go on, and the zones that are left carry everything: to have less of it, add
    ``quota-shrink``.

    Attributes:
        zones: how many zones there are.
        down: how many of them are gone; fewer than all.
        detected_after_s: how long it takes until nothing is sent there any more, in seconds.
        how: ``closed``: the balancer closes the connection without an answer. ``silent``: nothing comes for
            ``gives_up_s``, then the dialect's timeout (504). ``5xx``: its "service unavailable", at once.
        gives_up_s: how long the balancer waits for a dead zone, in seconds.
    """

    zones: Annotated[int, msgspec.Meta(ge=2)] = 3
    down: Annotated[int, msgspec.Meta(ge=1)] = 1
    detected_after_s: Annotated[float, msgspec.Meta(gt=0.0)] = 10.0
    how: Literal["closed", "silent", "5xx"] = "closed"
    gives_up_s: Annotated[float, msgspec.Meta(gt=0.0)] = 60.0

    def __post_init__(self) -> None:
        """Refuse a region that has nothing left."""
        if self.down >= self.zones:
            raise ValueError(f"down must be less than zones ({self.zones}); a whole region is region-down")

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Fail what falls to a dead zone."""
        async with finishing(reply):
            known = exchange.on_for_s >= self.detected_after_s
            if not known and exchange.rng.random() < self.down / self.zones:
                await self._fail(exchange)
            async for event in reply:
                yield event

    async def _fail(self, exchange: Exchange) -> None:
        exchange.fired()
        if self.how == "closed":
            raise Cut
        if self.how == "silent":
            await exchange.sleep(self.gives_up_s)
            raise Refusal("timeout")
        raise Refusal("unavailable", "The service is temporarily unavailable. Please retry your request.")
