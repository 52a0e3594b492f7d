"""wrong-answer: a 200 with everything in order, and the wrong text."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Event
from faults import _wrong_answers
from faults._layers import ReplyOnly, finishing

_SPOILED = {
    "empty": _wrong_answers.emptied,
    "wrong-language": _wrong_answers.in_another_language,
    "truncated": _wrong_answers.halved,
    "another-request": _wrong_answers.of_another_request,
}


@fault(
    "wrong-answer",
    Entry(
        family="gray",
        colour="#7d6608",
        sees="Status 200, a proper end and a stop reason, but the text is none, half, strange or another's.",
        seen=(
            (
                "Anthropic, 2025-08-05 to 09-18: replies of status 200 and of wrong quality, some with Thai or Chinese "
                "characters in English text (https://www.anthropic.com/engineering/a-postmortem-of-three-recent-issues)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class WrongAnswer(ReplyOnly):
    """The answer is wrong, and nothing in the protocol says so.

    Attributes:
        how: ``empty``: no text at all. ``wrong-language``: after its first token the text is in other scripts.
            ``truncated``: the first half of the tokens comes, at half the pace, then the proper end with the stop
            reason of a finished answer. ``another-request``: the text of the reply before this one, of whichever
            request at whichever of the injection's endpoints; the first reply under the fault is right.
    """

    how: Literal["empty", "wrong-language", "truncated", "another-request"] = "truncated"

    async def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Spoil the reply."""
        spoiled = _SPOILED[self.how](exchange, reply)
        async with finishing(reply), finishing(spoiled):
            async for event in spoiled:
                yield event
