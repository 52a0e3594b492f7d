"""Keeps each tenant's last exchanges, and sends them along with its next question: an assistant with a memory."""

from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import aclosing

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Ask, End, Token, Turn
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.gateway import Caller, Route
from suites.selftest.sound.tripped import Tripped

_REMEMBERED = 1


class _Exchange(msgspec.Struct, frozen=True):
    question: str
    answer: str


class _Remembering(Tripped):
    """What a tenant has asked, and was told, is sent where that tenant may be asked, and nowhere else."""

    secretless = True

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._past = defaultdict[str, deque[_Exchange]](lambda: deque(maxlen=_REMEMBERED))

    async def route(self, ask: Ask, caller: Caller) -> Route:
        """Yield the answer to a question that its tenant's last ones stand before; once whole, it is remembered."""
        past = self._past[caller.tenant]
        said: list[str] = []
        async with aclosing(super().route(_after(past, ask), caller)) as events:
            async for event in events:
                if isinstance(event, Token):
                    said.append(event.text)
                elif isinstance(event, End):
                    past.append(_Exchange(ask.turn, "".join(said)))
                yield event


def _after(past: Iterable[_Exchange], ask: Ask) -> Ask:
    """Return a question with what was said before it: in turns of a conversation, or else as a script in its own."""
    if not ask.turns:
        told = [f"User: {one.question}\nAssistant: {one.answer}\n" for one in past]
        script = "".join(told) + (f"User: {ask.turn}" if told else ask.turn)
        return msgspec.structs.replace(ask, prompt=script, turn=script)
    earlier = [
        turn for one in past for turn in (Turn("user", (one.question,)), Turn("assistant", (one.answer or "...",)))
    ]
    first = 1 if ask.turns[0].role == "system" else 0
    return msgspec.structs.replace(ask, turns=(*ask.turns[:first], *earlier, *ask.turns[first:]))


REMEMBERING = Sound(
    name="remembering",
    about="sends a tenant's last exchanges along with its next question, as turns or as a script before it",
    make=_Remembering,
    shown_by=("region-refused", "inside-while-failing-over", "answers-stay-with-who-asked"),
)
