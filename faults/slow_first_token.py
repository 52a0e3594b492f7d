"""slow-first-token: the reply is long in coming, then flows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Exchange, fault
from brownout.wire import Event
from faults._reply import ReplyOnly, Share, drawn, finishing


@fault("slow-first-token", colour="#f1c40f")
@dataclass(frozen=True, kw_only=True)
class SlowFirstToken(ReplyOnly):
    """The connection stands and nothing comes until, late, the first token does; a customer sees a frozen answer.

    What a full queue before the GPUs looks like from outside: no error, only waiting. Seen when OpenAI lost GPU nodes
    on 2025-06-09/10 (https://status.openai.com), and at every provider at its busiest hour.

    Attributes:
        delay_s: how much later the first token comes.
        share: the part of the requests that waits.
    """

    delay_s: Annotated[float, msgspec.Meta(ge=0.0)] = 8.0
    share: Share = 1.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Wait before the first event of the share."""
        async with finishing(reply):
            if drawn(exchange, self.share):
                exchange.fired()
                await exchange.sleep(self.delay_s)
            async for event in reply:
                yield event
