"""stream-stall: a reply that was flowing stands still."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Cut, Event, Token
from faults._layers import ReplyOnly, finishing


@fault(
    "stream-stall",
    Entry(
        family="stream",
        colour="#9b59b6",
        sees="A reply flows and then stands still, the connection open and silent; later it goes on, or never does.",
        seen=(
            (
                "vLLM, short of memory for its cache: a request that was running is put off and computed anew (its "
                "documentation, Optimization and Tuning: preemption)"
            ),
            (
                "a GPU of several lost: the others wait for it for ten minutes, until a watchdog ends the process "
                "(https://github.com/vllm-project/vllm/issues/7775)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class StreamStall(ReplyOnly):
    """A reply stalls in the middle.

    Nothing says so: the status was 200, tokens came, and the connection stands. A request that is not streamed gets its
    answer so much later, or none.

    Attributes:
        after_tokens: how many tokens still come. Replies that end before do not stall.
        for_s: how long the reply stands still, in seconds, before it goes on; null for ever: it stays so until its
            caller leaves, or until the injection's time is over, when the connection breaks.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=0)] = 3
    for_s: Annotated[float, msgspec.Meta(gt=0.0)] | None = 20.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Wait after so many tokens, as soon as there is more that is held up by it."""
        async with finishing(reply):
            left = self.after_tokens
            async for event in reply:
                if left == 0 and isinstance(event, Token):
                    await self._stall(exchange)
                left -= isinstance(event, Token)
                yield event

    async def _stall(self, exchange: Exchange) -> None:
        exchange.fired()
        if self.for_s is not None:
            await exchange.sleep(self.for_s)
            return
        await exchange.sleep(max(exchange.for_s - exchange.on_for_s, 0.0))
        raise Cut
