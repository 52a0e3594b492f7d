"""A retry around a stream, as if it had not begun."""

import contextlib
from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Restarter(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        begun = False
        try:
            async for event in super().route(ask, tenant, traffic_class):
                begun = True
                yield event
        except Refusal:
            if begun:
                with contextlib.suppress(Refusal):
                    async for _ in super().route(ask, tenant, traffic_class):
                        pass  # its caller has the beginning of another answer, so that there is no use for this one
            raise


RESTARTS_STREAMS = Planted(
    name="restarts-streams",
    about="asks anew when a stream has broken, though its client has begun to read, and can use nothing of it",
    make=with_router(_Restarter),
    caught_by="retried_streams",
    seen_in="stream-is-not-begun-again",
    like="glues-answers",
    like_why="a broken stream is asked for again, and what comes is thrown away instead of joined",
)
