"""When nothing works, 200 and nothing."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, or_instead, with_router


class _Silence(Router):
    def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        return or_instead(super().route(ask, tenant, traffic_class), _nothing)


async def _nothing(refusal: Refusal) -> list[Event]:
    del refusal
    return [End()]


EMPTY_SUCCESS = Planted(
    name="empty-success",
    about="answers 200 with an empty text when no endpoint could answer",
    make=with_router(_Silence),
    caught_by="truncated_as_success",
    seen_in="stream-cut-everywhere",
    also=frozenset({"rejections_masked"}),
    why="an endpoint that rejects a request has not answered it either",
)
