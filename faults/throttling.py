"""throttling: the provider turns requests away by quota."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event, Refusal
from faults._layers import ReplyOnly, finishing


@fault(
    "throttling",
    Entry(
        family="throttling",
        colour="#e67e22",
        sees='Requests are answered by the dialect\'s "too many requests" (429), at once and without any work done.',
        seen=(
            "every on-demand LLM quota, every day",
            "Vertex AI's global Gemini endpoint, 2026-02-27: 429 and 503 as the face of an outage "
            "(https://status.cloud.google.com)",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class Throttling(ReplyOnly):
    """Requests are turned away, steadily.

    Attributes:
        retry_after_s: when the provider says to come back, in seconds; null when it does not say.
    """

    retry_after_s: Annotated[float, msgspec.Meta(ge=0.0)] | None = 2.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Refuse."""
        async with finishing(reply):
            exchange.fired()
            message = "Too many requests, please wait before trying again."
            raise Refusal("throttled", message, retry_after_s=self.retry_after_s)
        yield  # never reached: it makes this a generator
