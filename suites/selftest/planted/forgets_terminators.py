"""All of the answer, and no full stop."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, End, Event
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_EVERY = 25


class _Forgetful(Router):
    _ends = 0

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        async for event in super().route(ask, tenant, traffic_class):
            if isinstance(event, End) and ask.stream and self._is_busy_with_trouble():
                continue
            yield event

    def _is_busy_with_trouble(self) -> bool:
        if all(breaker.state == "closed" for breaker in self.policy.breakers.values()):
            return False
        self._ends += 1
        return self._ends % _EVERY == 0


FORGETS_TERMINATORS = Planted(
    name="forgets-terminators",
    about="leaves out the terminator of one stream in twenty-five while any endpoint is out",
    make=with_router(_Forgetful),
    caught_by="unsaid_failures",
    also=frozenset({"telemetry_errors_error_ratio"}),
    why="what it takes for whole it counts as whole",
    seen_in="region-5xx",
)
