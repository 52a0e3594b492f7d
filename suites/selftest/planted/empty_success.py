"""When nothing works, 200 and nothing."""

from brownout.wire import End, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Silence(Router):
    async def unanswered(self, refusal: Refusal) -> list[Event]:
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
