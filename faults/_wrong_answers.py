"""Answers that are wrong under a 200: what is done to the events of a reply."""

from collections.abc import AsyncIterator

import msgspec

from brownout.fault import Exchange
from brownout.wire import End, Event, Token

_STRANGE = (" ภาษา", " 语言", " คำตอบ", " 回答", " ไทย", " 错误")
_EARLIER = "earlier"


async def emptied(exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """Yield the end alone, when it is due; it counts nothing."""
    lost = 0
    async for event in reply:
        if not isinstance(event, End):
            lost += 1
            continue
        if lost:
            exchange.fired(lost, falsified=True)
            event = msgspec.structs.replace(event, stop="stop", output_tokens=0)  # noqa: PLW2901 - what is left of it
        yield event


async def in_another_language(exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """Yield words of another script from the second token on."""
    count = 0
    async for event in reply:
        if isinstance(event, Token) and (count := count + 1) > 1:
            exchange.fired(falsified=True)
            yield Token(_STRANGE[count % len(_STRANGE)])
        else:
            yield event


async def halved(exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """Yield the first half of the tokens, one for every two that are due, and an end that knows nothing of the rest."""
    coming: list[Token] = []
    given = 0
    async for event in reply:
        if isinstance(event, Token):
            coming.append(event)
            if 2 * given < len(coming):
                given += 1
                yield coming[given - 1]
        elif isinstance(event, End) and given < len(coming):
            exchange.fired(len(coming) - given, falsified=True)
            yield msgspec.structs.replace(event, stop="stop", stop_sequence="", output_tokens=given)
        else:
            yield event


async def of_another_request(exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """Yield the text of the last whole reply before this one, at this one's pace, and keep this one's for the next.

    The first reply has none before it, and passes.
    """
    earlier: tuple[str, ...] | None = exchange.memory.get(_EARLIER)
    own: list[str] = []
    given, spoiled = 0, False
    async for event in reply:
        if isinstance(event, Token):
            own.append(event.text)
        if isinstance(event, End) and own:
            exchange.memory[_EARLIER] = tuple(own)
        if earlier is None or not isinstance(event, Token | End):
            yield event
            continue
        upto = len(own) if isinstance(event, Token) else len(earlier)
        for place, text in enumerate(earlier[given:upto], start=given):
            if not spoiled and (place >= len(own) or own[place] != text):
                spoiled = True
                exchange.fired(falsified=True)  # now: a stream that is cut later was another's all the same
            yield Token(text)
        given = max(given, min(upto, len(earlier)))
        if isinstance(event, End):
            if not spoiled and len(own) != len(earlier):
                exchange.fired(falsified=True)
            yield msgspec.structs.replace(event, output_tokens=len(earlier))
