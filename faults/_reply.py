"""What reply faults share: whom they act on, and the drawing of a share."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, TypeAlias

import msgspec

from brownout.fault import Exchange, Layer
from brownout.wire import Event

# Which part of the requests a fault touches: 1.0 is every one.
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class ReplyOnly:
    """The base of faults that act on replies whatever their settings."""

    @property
    def acts_on(self) -> Layer:
        """Return ``reply``."""
        return "reply"


def drawn(exchange: Exchange, share: float) -> bool:
    """Return whether this exchange is among the share, by its own rng; every call draws once."""
    return exchange.rng.random() < share


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
