"""Long thought over, then no."""

import asyncio
from collections.abc import Sequence

from brownout.wire import Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_THOUGHT_S = 4.0


class _Slow(Router):
    async def unanswered(self, refusal: Refusal) -> Sequence[Event]:
        await asyncio.sleep(_THOUGHT_S)
        return await super().unanswered(refusal)


SLOW_REFUSALS = Planted(
    name="slow-refusals",
    about="takes four seconds to say that it cannot answer",
    make=with_router(_Slow),
    caught_by="time_to_error_p90_s",
    seen_in="one-tenants-burst",
)
