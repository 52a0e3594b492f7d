"""One endpoint is ill? Let me make a few calls before I send you anywhere."""

import asyncio
from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_CALLS_S = 2.5


class _AsksAround(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        candidates = self.policy.candidates(tenant, traffic_class)
        if any(self.policy.breakers[name].state != "closed" for name in candidates):
            await asyncio.sleep(_CALLS_S)
        async for event in super().route(ask, tenant, traffic_class):
            yield event


ASKS_AROUND_FIRST = Planted(
    name="asks-around-first",
    about="makes every request wait for 2.5 s while any endpoint that it might use is sick",
    make=with_router(_AsksAround),
    caught_by="ttft_p90_s",
    also=frozenset({"ttft_p95_s", "time_to_failover_s", "time_to_recover_s", "time_to_serve_again_s"}),
    why="everybody is served, and nobody promptly",
    seen_in="region-5xx",
)
