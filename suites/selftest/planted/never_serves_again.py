"""Who was once refused is refused for ever."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Grudge(Router):
    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self._dead: set[str] = set()

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        if tenant in self._dead:
            raise Refusal("unavailable", "this tenant was unavailable before")
        try:
            async for event in super().route(ask, tenant, traffic_class):
                yield event
        except Refusal as refusal:
            if refusal.kind == "unavailable" and refusal.retry_after_s is not None:
                self._dead.add(tenant)
            raise


NEVER_SERVES_AGAIN = Planted(
    name="never-serves-again",
    about="refuses a tenant for ever once none of its endpoints could take a request",
    make=with_router(_Grudge),
    caught_by="time_to_serve_again_s",
    seen_in="no-legal-alternative",
    also=frozenset({"time_to_recover_s", "served_during_fault", "time_to_failover_s", "availability"}),
    why="who is never served again is not served, and does not recover",
)
