"""Nobody is turned away, and nobody is served in time."""

import asyncio
from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_LOOK_S = 0.02


class _Queue(Router):
    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self._turn = asyncio.Lock()  # whoever waits for it gets it in the order of coming

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        candidates = self.policy.candidates(tenant, traffic_class)
        async with self._turn:
            while self._all_full(candidates, tenant, traffic_class):  # noqa: ASYNC110 - no event tells of room
                await asyncio.sleep(_LOOK_S)
        async for event in super().route(ask, tenant, traffic_class):
            yield event

    def _all_full(self, candidates: list[str], tenant: str, traffic_class: str) -> bool:
        try:
            self.policy.with_room(self.clock.now_s(), candidates, [], tenant, traffic_class)
        except Refusal:
            return True
        return False


QUEUES_WITHOUT_BOUND = Planted(
    name="queues-without-bound",
    about="lets everybody wait in one line while all endpoints are full, however long it grows",
    make=with_router(_Queue),
    caught_by="goodput_ratio",
    seen_in="overload-keeps-goodput",
    also=frozenset(
        {
            "availability",
            "hung_requests",
            "time_to_error_p90_s",
            "fairness_ratio",
            "shed_in_order_ratio",
            "clean_refusal_ratio",
        }
    ),
    why="who waits in line is served late, or told late and in the words of the endpoint that was full in the end",
)
