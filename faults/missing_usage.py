"""missing-usage: the reply does not say what it cost."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from brownout.dialects.openai_requests import ChatAsk
from brownout.dialects.sagemaker_containers import InvocationAsk
from brownout.fault import Entry, Exchange, fault
from brownout.wire import Ask, End, Event
from faults._layers import ReplyOnly, finishing


@fault(
    "missing-usage",
    Entry(
        family="stream",
        colour="#c39bd3",
        sees="A reply is whole, with its terminator and its stop reason, but does not say how many tokens it cost.",
        seen=(
            "OpenAI's streams, to every caller that does not ask for the usage",
            "servers that speak another's dialect and leave out what they do not count",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class MissingUsage(ReplyOnly):
    """The usage is left out of replies.

    The final count is: members of the body, headers and events, whatever the dialect has. What Anthropic's streams say
    of the prompt when they begin stays. Who bills, meters or limits by what replies say counts nothing. There are no
    settings.
    """

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Let the end be without its count."""
        async with finishing(reply):
            said = False
            async for event in reply:
                if isinstance(event, End) and said and event.counted and _tells_usage(exchange.ask):
                    exchange.fired()
                    yield msgspec.structs.replace(event, counted=False)
                    continue
                said = True
                yield event


def _tells_usage(ask: Ask) -> bool:
    """Return whether the reply would have told it: some do so only to who asks for it."""
    if isinstance(ask, InvocationAsk) and ask.container == "tgi":
        return ask.details
    return not isinstance(ask, ChatAsk) or not ask.stream or ask.metered
