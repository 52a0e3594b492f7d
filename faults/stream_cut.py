"""stream-cut: a reply breaks off in the middle."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Exchange, fault
from brownout.wire import Cut, Event, Token
from faults._reply import ReplyOnly, Share, drawn, finishing


@fault("stream-cut", colour="#8e44ad")
@dataclass(frozen=True, kw_only=True)
class StreamCut(ReplyOnly):
    """A streamed reply ends after some tokens without the dialect's terminator; a customer sees half an answer.

    The status was 200 long before, so no retry by status code helps, and some SDKs end the loop without an error.
    Seen whenever a serving container dies under its requests, as in Azure OpenAI on 2025-05-16, when large requests
    ran containers out of memory (https://status.insightsoftware.com).

    A request that is not streamed has its connection closed without a reply.

    Attributes:
        after_tokens: how many tokens still come. Replies that end before are whole.
        share: the part of the requests that is cut.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=0)] = 3
    share: Share = 1.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Cut the share after so many tokens."""
        async with finishing(reply):
            cut = drawn(exchange, self.share)
            left = self.after_tokens if exchange.ask.stream else 0
            if cut and not left:
                _cut(exchange)
            async for event in reply:
                yield event
                left -= isinstance(event, Token)
                if cut and not left:
                    _cut(exchange)


def _cut(exchange: Exchange) -> None:
    exchange.fired()
    raise Cut
