"""Now and then, somebody else's answer."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_EVERY = 40


class _Mixer(Router):
    _last: tuple[Event, ...] = ()
    _asked = 0

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        self._asked += 1
        mixed = self._asked % _EVERY == 0 and bool(self._last)
        events = [event async for event in super().route(ask, tenant, traffic_class)]
        for event in self._last if mixed else events:
            yield event
        self._last = tuple(events)


MIXES_ANSWERS = Planted(
    name="mixes-answers",
    about="gives every fortieth request the answer of another (and buffers to do it)",
    make=with_router(_Mixer),
    caught_by="foreign_answers",
    seen_in="region-5xx",
    also=frozenset({"stream_held_ratio", "availability", "served_during_fault"}),
    why="another's answer is not the whole right one, so it is not served; and it cannot be known before it is whole",
)
