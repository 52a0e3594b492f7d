"""bad-replica: one of the servers behind an endpoint is bad."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event, Refusal
from faults._layers import ReplyOnly, finishing
from faults._wrong_answers import in_another_language


@fault(
    "bad-replica",
    Entry(
        family="gray",
        colour="#b7950b",
        sees="One request in so many fails, or is slow, or gets nonsense: the one that falls on the bad server.",
        seen=(
            (
                "Anthropic, 2025-08-05 to 09-18: a part of the requests was routed to the wrong servers, and "
                "answered worse (https://www.anthropic.com/engineering/a-postmortem-of-three-recent-issues)"
            ),
            (
                "OpenAI, 2025-06-10: about a quarter of API requests failed while a part of the GPU nodes had lost the "
                "network (https://status.openai.com)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class BadReplica(ReplyOnly):
    """One replica of several is bad, and the load balancer does not see it.

    Every request falls on one of them by chance, all alike; one that is sent again may fall on the bad one again.

    Attributes:
        replicas: how many there are, the bad one among them.
        how: what the bad one does. ``error``: it fails at once, by a server's error. ``slow``: its first token is
            late. ``wrong``: its answers go on in another language after their first token, under a 200.
        delay_s: how late the first token of the slow one is, in seconds.
    """

    replicas: Annotated[int, msgspec.Meta(ge=1)] = 4
    how: Literal["error", "slow", "wrong"] = "error"
    delay_s: Annotated[float, msgspec.Meta(gt=0.0)] = 10.0

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Spoil the replies of one replica."""
        async with finishing(reply):
            bad = exchange.rng.randrange(self.replicas) == 0
            if bad and self.how != "wrong":
                await self._fail(exchange)
            answer = in_another_language(exchange, reply) if bad and self.how == "wrong" else reply
            async with finishing(answer):
                async for event in answer:
                    yield event

    async def _fail(self, exchange: Exchange) -> None:
        exchange.fired()
        if self.how == "error":
            raise Refusal("internal")
        await exchange.sleep(self.delay_s)
