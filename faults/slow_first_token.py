"""slow-first-token: the reply is long in coming, then flows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event
from faults._layers import ReplyOnly, finishing


@fault(
    "slow-first-token",
    Entry(
        family="gray",
        colour="#f1c40f",
        sees="The connection stands and nothing comes until, late, the first token does: a frozen answer.",
        seen=(
            "a full queue before the GPUs, at every provider at its busiest hour: no error, only waiting",
            "OpenAI, 2025-06-09/10, with a third of its GPU nodes gone (https://status.openai.com)",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class SlowFirstToken(ReplyOnly):
    """The first token is late.

    Attributes:
        delay_s: how much later it comes, in seconds.
    """

    delay_s: Annotated[float, msgspec.Meta(ge=0.0)] = 8.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Wait before the first event."""
        async with finishing(reply):
            exchange.fired()
            await exchange.sleep(self.delay_s)
            async for event in reply:
                yield event
