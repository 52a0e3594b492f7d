"""slow-tokens: replies begin in time and then trickle."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event, Token
from faults._layers import ReplyOnly, finishing


@fault(
    "slow-tokens",
    Entry(
        family="gray",
        colour="#f8c471",
        sees="The first token comes in time, and every one after it late: a reply that trickles, and never fails.",
        seen=("GPUs that clock down for heat, or that too many share, at every provider at its busiest hour",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class SlowTokens(ReplyOnly):
    """Tokens come slowly.

    Attributes:
        inter_token_s: the least time between a token and the next, in seconds. Replies that are slower by themselves
            are not touched.
    """

    inter_token_s: Annotated[float, msgspec.Meta(gt=0.0)] = 0.5

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Hold back tokens that come too soon after the one before."""
        async with finishing(reply):
            due_s = 0.0
            async for event in reply:
                if isinstance(event, Token):
                    early_s = due_s - exchange.on_for_s
                    if early_s > 0:
                        exchange.fired()
                        await exchange.sleep(early_s)
                    due_s = exchange.on_for_s + self.inter_token_s
                yield event
