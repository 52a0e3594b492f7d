"""Long thought over, then no."""

import asyncio
from collections.abc import AsyncGenerator
from typing import NoReturn

from brownout.wire import Ask, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, or_instead, with_router

_THOUGHT_S = 4.0


class _Slow(Router):
    def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        return or_instead(super().route(ask, tenant, traffic_class), _in_the_end)


async def _in_the_end(refusal: Refusal) -> NoReturn:
    await asyncio.sleep(_THOUGHT_S)
    raise refusal


SLOW_REFUSALS = Planted(
    name="slow-refusals",
    about="takes four seconds to say that it cannot answer",
    make=with_router(_Slow),
    caught_by="time_to_error_p90_s",
    seen_in="one-tenants-burst",
)
