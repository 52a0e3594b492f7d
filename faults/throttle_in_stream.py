"""throttle-in-stream: a reply that has begun is throttled in the middle."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event, Refusal, Token
from faults._layers import ReplyOnly, finishing


@fault(
    "throttle-in-stream",
    Entry(
        family="throttling",
        colour="#f39c12",
        sees="A streamed reply under a 200 has some tokens, and then the dialect's throttling error as an event.",
        seen=(
            (
                "Amazon Bedrock: EventStreamError (throttlingException) when calling InvokeModelWithResponseStream "
                "(https://github.com/aws-samples/aws-genai-llm-chatbot/issues/220)"
            ),
            "Bedrock's ConverseStream, whose service model names throttlingException among the events of its stream",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ThrottleInStream(ReplyOnly):
    """A quota is found to be used up while the answer is generated.

    No SDK retries it: the 200 was sent long before. An event has no headers, so nothing says when to come back. A
    request that is not streamed is a 429, after all the work was done.

    Attributes:
        after_tokens: how many tokens still come. Replies that end before are whole.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=1)] = 3

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Pass so many tokens, then refuse the rest."""
        async with finishing(reply):
            left = self.after_tokens
            async for event in reply:
                yield event
                left -= isinstance(event, Token)
                if not left:
                    exchange.fired()
                    raise Refusal("throttled", "Too many tokens, please wait before trying again.")
