"""Long thought over, then no."""

import asyncio
from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_THOUGHT_S = 4.0


class _Slow(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        begun = False
        try:
            async for event in super().route(ask, tenant, traffic_class):
                begun = True
                yield event
        except Refusal:
            if not begun:
                await asyncio.sleep(_THOUGHT_S)
            raise


SLOW_REFUSALS = Planted(
    name="slow-refusals",
    about="takes four seconds to say that it cannot answer",
    make=with_router(_Slow),
    caught_by="time_to_error_p90_s",
    seen_in="one-tenants-burst",
)
