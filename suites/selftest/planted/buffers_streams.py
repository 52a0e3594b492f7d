"""A stream in name only."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Buffer(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        for event in [event async for event in super().route(ask, tenant, traffic_class)]:
            yield event


BUFFERS_STREAMS = Planted(
    name="buffers-streams",
    about="passes nothing on until it has everything",
    make=with_router(_Buffer),
    caught_by="stream_held_ratio",
    seen_in="region-5xx",
    like="mixes-answers",
    like_why="that one holds every stream back until it is whole, too",
)
