"""When nothing works, 200 and nothing."""

from collections.abc import AsyncGenerator

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.server import Router, WorldFile
from suites.selftest.planted.base import Planted


class _Silence(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        begun = False
        try:
            async for event in super().route(ask, tenant, traffic_class):
                begun = True
                yield event
        except Refusal:
            if begun:
                raise
            yield End()


def _make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
    return _Silence(world, clock=clock, connector=connector)


EMPTY_SUCCESS = Planted(
    name="empty-success",
    about="answers 200 with an empty text when no endpoint could answer",
    make=_make,
    caught_by="truncated_as_success",
)
