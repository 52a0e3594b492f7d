"""Keeps answers for those who ask for the same again, and asks once for all who ask at once: within a tenant only."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Ask, End, Event
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.gateway import Caller, Route
from suites.selftest.sound.tripped import Tripped

_KEPT_MAX, _KEPT_S = 500, 60.0


class _Kept(msgspec.Struct, frozen=True):
    events: Sequence[Event]
    until_s: float


class _Cached(Tripped):
    """What is asked is a tenant's with its class, and never another's, however alike."""

    secretless = True

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._asking: dict[bytes, asyncio.Future[None]] = {}

    async def route(self, ask: Ask, caller: Caller) -> Route:
        """Yield the answer that is kept, or one that is asked for and then kept."""
        self.allowed(caller)
        key = _key(ask, caller)
        if key in self._asking:
            await asyncio.wait([self._asking[key]])  # who asked first may fail: then this one asks for itself
        if (kept := self._kept.get(key)) is not None and self.clock.now_s() < kept.until_s:
            for event in kept.events:
                yield event
            return
        self._asking[key] = over = asyncio.get_running_loop().create_future()
        events: list[Event] = []
        try:
            async with aclosing(super().route(ask, caller)) as fresh:
                async for event in fresh:
                    events.append(event)
                    if isinstance(event, End):
                        self._keep(key, events)
                    yield event
        finally:
            if self._asking.get(key) is over:
                del self._asking[key]
            over.set_result(None)

    def _keep(self, key: bytes, events: Sequence[Event]) -> None:
        self._kept[key] = _Kept(events, self.clock.now_s() + _KEPT_S)
        while len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)


def _key(ask: Ask, caller: Caller) -> bytes:
    return hashlib.sha256(msgspec.json.encode([caller, ask])).digest()


CACHED = Sound(
    name="cached",
    about="a cache of whole answers for each tenant, and one request upstream for those who ask the same at once",
    make=_Cached,
    shown_by=("region-refused", "answers-stay-with-who-asked"),
)
