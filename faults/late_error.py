"""late-error: an error comes after the 200, in the middle of the reply."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event, Refusal, Token
from faults._layers import ReplyOnly, finishing


@fault(
    "late-error",
    Entry(
        family="stream",
        colour="#af5fc4",
        sees="A streamed reply of status 200 flows, and then an error event comes in the dialect's own frame.",
        seen=(
            "an inference engine that dies under its streams: the error is the next event after the tokens",
            (
                "Anthropic, March 2026: 529, again and again (https://status.anthropic.com); under a stream that has "
                "begun the same overload is an error event"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class LateError(ReplyOnly):
    """A reply ends in an error event.

    The status was 200 long before: what retries by status code does not retry it. A request that is not streamed is
    answered by the error's own status, as late as the tokens took.

    Attributes:
        after_tokens: how many tokens still come; the error is in the next one's place. Replies that have no next one
            are whole.
        refusal: which error, in the words every dialect translates.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=1)] = 3
    refusal: Literal["overloaded", "internal", "unavailable", "throttled", "model-error", "timeout"] = "overloaded"

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Refuse the token after so many."""
        async with finishing(reply):
            left = self.after_tokens
            async for event in reply:
                if isinstance(event, Token):
                    if not left:
                        exchange.fired()
                        raise Refusal(self.refusal)
                    left -= 1
                yield event
