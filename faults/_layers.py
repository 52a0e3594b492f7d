"""The bases of faults that act in one way whatever their settings, and what reply faults share."""

import contextlib
from collections.abc import AsyncIterator

from brownout.fault import Exchange, Layer
from brownout.wire import Event, HttpReply, StreamWriter


class ReplyOnly:
    """Acts on replies."""

    @property
    def acts_on(self) -> Layer:
        """Return ``reply``."""
        return "reply"


class WireOnly:
    """Acts on the bytes of replies; what is not overridden passes as it is."""

    @property
    def acts_on(self) -> Layer:
        """Return ``wire``."""
        return "wire"

    def writer(self, exchange: Exchange, writer: StreamWriter) -> StreamWriter:
        """Leave the encoder of a streamed reply as it is."""
        del exchange
        return writer

    def whole(self, exchange: Exchange, reply: HttpReply) -> HttpReply:
        """Leave a reply that is not streamed, or a streamed one's head, as it is."""
        del exchange
        return reply


class NetworkOnly:
    """Acts on the network."""

    @property
    def acts_on(self) -> Layer:
        """Return ``network``."""
        return "network"


class WorldOnly:
    """Acts on what stands in the world."""

    @property
    def acts_on(self) -> Layer:
        """Return ``world``."""
        return "world"


class TargetOnly:
    """Acts on the router's process."""

    @property
    def acts_on(self) -> Layer:
        """Return ``target``."""
        return "target"


async def pass_on(reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """Pass the reply through as it is."""
    async with finishing(reply):
        async for event in reply:
            yield event


@contextlib.asynccontextmanager
async def finishing(reply: AsyncIterator[Event]) -> AsyncIterator[None]:
    """Close the reply on the way out: what it holds (a GPU's slot) is given back now, not when it is collected."""
    try:
        yield
    finally:
        close = getattr(reply, "aclose", None)
        if close is not None:
            await close()
