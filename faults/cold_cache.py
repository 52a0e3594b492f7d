"""cold-cache: what comes back has forgotten everything."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event
from faults._layers import ReplyOnly, finishing

_Half: TypeAlias = Annotated[float, msgspec.Meta(gt=0.0)]
_WARM = 0.01
"""A prefill that is slower by less than this (ratio) counts as warm."""


@fault(
    "cold-cache",
    Entry(
        family="region",
        colour="#5dade2",
        sees="The first replies after a return begin late, the later ones less and less so; none fails.",
        seen=(
            "restarts of servers that keep prefixes' keys and values: prompts that were cached are computed anew",
            "every instance that autoscaling adds",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ColdCache(ReplyOnly):
    """The first token takes several times as long as it would, and the excess melts with requests, with time, or both.

    Each endpoint warms by its own requests. What was due while the first token was late comes with it.

    Attributes:
        factor: how many times as long the first token takes for the first request (ratio, 1 and more).
        half_life_requests: after how many requests that had an answer half the excess is left; null: requests do not
            warm it.
        half_life_s: after how many seconds half the excess is left; null: time does not warm it.
    """

    factor: Annotated[float, msgspec.Meta(gt=1.0)] = 8.0
    half_life_requests: _Half | None = 20.0
    half_life_s: _Half | None = None

    def __post_init__(self) -> None:
        """Refuse what never warms: that is a slow endpoint."""
        if self.half_life_requests is None and self.half_life_s is None:
            raise ValueError("set half_life_requests, half_life_s or both; what never warms is slow-first-token")

    def excess(self, served: int, on_for_s: float) -> float:
        """Return how much longer the first token takes (ratio of its own time), after so many requests and so long."""
        halves = served / self.half_life_requests if self.half_life_requests is not None else 0.0
        halves += on_for_s / self.half_life_s if self.half_life_s is not None else 0.0
        return float((self.factor - 1.0) * 0.5**halves)

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Hold back the first event."""
        async with finishing(reply):
            began_s, begun = exchange.on_for_s, False
            async for event in reply:
                if not begun:
                    begun = True
                    await self._hold(exchange, began_s)
                yield event

    async def _hold(self, exchange: Exchange, began_s: float) -> None:
        served: dict[str, int] = exchange.memory.setdefault("served", {})
        before = served.get(exchange.endpoint, 0)
        served[exchange.endpoint] = before + 1
        excess = self.excess(before, began_s)
        warm_s = exchange.on_for_s - began_s
        if excess >= _WARM and warm_s > 0:
            exchange.fired()
            await exchange.sleep(excess * warm_s)
