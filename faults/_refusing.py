"""What faults share that answer requests with an error instead of a reply."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from brownout.fault import Exchange
from brownout.wire import Event, Refusal
from faults._layers import ReplyOnly, finishing

ServerError: TypeAlias = Literal["unavailable", "internal", "overloaded"]
_SAID: Mapping[ServerError, str] = {
    "unavailable": "The service is currently unavailable.",
    "internal": "An internal server error occurred. Retry your request.",
    "overloaded": "The model is overloaded. Please try again later.",
}


class Refusing(ReplyOnly, ABC):
    """Refuses the requests that it strikes, before anything of a reply; the others pass as they are."""

    def strikes(self, exchange: Exchange) -> bool:
        """Return whether this request is refused; it is asked once for each, when it comes."""
        del exchange
        return True

    @abstractmethod
    def said(self, exchange: Exchange) -> Refusal:
        """Return the refusal of a request that is struck."""

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Refuse, or pass on."""
        async with finishing(reply):
            if self.strikes(exchange):
                exchange.fired()
                raise self.said(exchange)
            async for event in reply:
                yield event


@dataclass(frozen=True, kw_only=True)
class Outage(Refusing):
    """Refuses by a server's error.

    Attributes:
        refusal: how it fails, in the words every dialect translates: ``internal`` (500), ``unavailable`` (503) or
            ``overloaded`` (503 or 529).
    """

    refusal: ServerError = "internal"

    def said(self, exchange: Exchange) -> Refusal:
        """Return the error."""
        del exchange
        return Refusal(self.refusal, _SAID[self.refusal])
