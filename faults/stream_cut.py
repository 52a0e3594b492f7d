"""stream-cut: a reply breaks off in the middle."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Cut, Event, Token
from faults._layers import ReplyOnly, finishing


@fault(
    "stream-cut",
    Entry(
        family="stream",
        colour="#8e44ad",
        sees="A streamed reply ends after some tokens without the dialect's terminator: half an answer, under a 200.",
        seen=(
            (
                "Azure OpenAI, 2025-05-16: containers out of memory died under their requests "
                "(https://status.insightsoftware.com)"
            ),
            "whatever restarts a serving container without draining it",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class StreamCut(ReplyOnly):
    """A reply is cut.

    The status was 200 long before, so no retry by status code helps, and some SDKs end the loop without an error. A
    request that is not streamed gets no reply but the end of its connection; by ``clean``, a 200 with an empty body.

    Attributes:
        after_tokens: how many tokens still come. Replies that end before are whole.
        how: ``abort``: the connection breaks in the middle of the transfer. ``clean``: the transfer ends as it should,
            and only the dialect's terminator is missing. ``half-close``: the endpoint says that it sends no more, and
            leaves the connection open until its caller closes it; over TLS, which has no such half, it closes it.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=0)] = 3
    how: Literal["abort", "clean", "half-close"] = "abort"

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Cut after so many tokens."""
        async with finishing(reply):
            left = self.after_tokens if exchange.ask.stream else 0
            if not left:
                self._cut(exchange)
            async for event in reply:
                yield event
                left -= isinstance(event, Token)
                if not left:
                    self._cut(exchange)

    def _cut(self, exchange: Exchange) -> None:
        exchange.fired()
        raise Cut(self.how)
