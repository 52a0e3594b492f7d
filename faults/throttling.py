"""throttling: the provider turns requests away by quota."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Exchange, fault
from brownout.wire import Event, Refusal
from faults._reply import ReplyOnly, Share, drawn, finishing


@fault("throttling", colour="#e67e22")
@dataclass(frozen=True, kw_only=True)
class Throttling(ReplyOnly):
    """Requests are answered by the dialect's "too many requests" (429), at once and without any work done.

    The everyday failure of on-demand LLM quotas, and now and then the face of an outage: Vertex AI's global Gemini
    endpoint answered with 429 and 503 on 2026-02-27 (https://status.cloud.google.com), and Azure OpenAI with 400 and
    429 on 2026-03-09 (https://azure.status.microsoft/status/history/).

    Attributes:
        retry_after_s: when the provider says to come back; null when it does not say.
        share: the part of the requests that is turned away.
    """

    retry_after_s: Annotated[float, msgspec.Meta(ge=0.0)] | None = 2.0
    share: Share = 1.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Refuse the share, pass on the rest."""
        async with finishing(reply):
            if drawn(exchange, self.share):
                exchange.fired()
                raise Refusal(
                    "throttled",
                    "Too many requests, please wait before trying again.",
                    retry_after_s=self.retry_after_s,
                )
            async for event in reply:
                yield event
