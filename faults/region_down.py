"""region-down: nothing in a region answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from brownout.fault import Entry, Exchange, Layer, Link, fault
from brownout.wire import Event, Refusal
from faults._layers import finishing, pass_on

_DIAL_S = 2.0
_SILENCE_S = 0.5
# No HTTP server lets this pass: the first byte cannot begin a request, and a 400 (or a close) comes at once. It never
# becomes a request either, so nothing of it is seen in the provider's evidence.
_NOT_HTTP = b"?\r\n\r\n"


@fault(
    "region-down",
    Entry(
        family="region",
        colour="#c0392b",
        sees="No endpoint in a region gives an answer: connections are refused, or stay silent, or every reply is a 503.",
        seen=(
            "Google Cloud europe-west9, 2023-04-25: flooded, and shut down for days (The Register, 2023-05-10)",
            "Google Cloud, 2025-06-12: 503 to every API request "
            "(https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)",
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
        try:
            async with asyncio.timeout(_DIAL_S):
                reader, writer = await asyncio.open_connection(link.host, link.port)
        except TimeoutError:
            return False
        except OSError:
            return self.how == "refused"
        try:
            return self.how == "silent" and await _is_silent(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Return whether a server says nothing, and stays, after what is no HTTP."""
    try:
        writer.write(_NOT_HTTP)
        async with asyncio.timeout(_SILENCE_S):
            await reader.read(1)
    except TimeoutError:
        return True
    except OSError:
        return False
    return False
