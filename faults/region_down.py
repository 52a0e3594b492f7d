"""region-down: nothing in a region answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from brownout.fault import Entry, Exchange, Layer, Link, fault
from brownout.wire import Event, Refusal
from faults._layers import finishing, pass_on
from faults.network.dial import met


@fault(
    "region-down",
    Entry(
        family="region",
        colour="#c0392b",
        sees="No endpoint in a region gives an answer: connections are refused or silent, or every reply is a 503.",
        seen=(
            "Google Cloud europe-west9, 2023-04-25: flooded, and shut down for days (The Register, 2023-05-10)",
            (
                "Google Cloud, 2025-06-12: 503 to every API request "
                "(https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)"
            ),
            "AWS me-central-1, 2026-03-01: two of three zones gone, and the region with them",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class RegionDown:
    """A whole region is gone.

    Attributes:
        how: ``refused``: connections are refused and live ones closed. ``silent``: connections are accepted, and
            nothing ever comes back on these or on the live ones. ``5xx``: every request is answered by the dialect's
            "service unavailable".
    """

    how: Literal["refused", "silent", "5xx"] = "refused"

    @property
    def acts_on(self) -> Layer:
        """Return ``reply`` for 5xx, else ``network``."""
        return "reply" if self.how == "5xx" else "network"

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Refuse every request, for 5xx."""
        if self.how != "5xx":
            async for event in pass_on(reply):
                yield event
            return
        async with finishing(reply):
            exchange.fired()
            raise Refusal("unavailable", "The service is temporarily unavailable. Please retry your request.")

    async def inject(self, link: Link) -> None:
        """Set the link, unless it is the replies that fail."""
        if self.how == "refused":
            await link.disable()
        elif self.how == "silent":
            await link.add_toxic("timeout", {"timeout": 0}, stream="upstream")
            await link.add_toxic("timeout", {"timeout": 0}, stream="downstream")

    async def felt(self, link: Link) -> bool:
        """Dial the link: is the connection refused, or is a healthy server's instant complaint missing?"""
        if self.how == "5xx":
            return False
        return await met(link, lambda one: one.how == self.how)
