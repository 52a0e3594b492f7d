"""What was not counted was not said."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, End, Event, Token
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Bookkeeper(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        held: list[Event] = []
        async for event in super().route(ask, tenant, traffic_class):
            if not isinstance(event, End) or event.counted:
                for one in held:
                    yield one
            held = [event] if isinstance(event, Token) else []
            if not held:
                yield event


DROPS_UNCOUNTED_TAIL = Planted(
    name="drops-uncounted-tail",
    about="holds each token back until it knows that more is to come, and drops the last one when no usage follows",
    make=with_router(_Bookkeeper),
    caught_by="truncated_as_success",
    also=frozenset({"availability"}),
    why="an answer without its last token is not served",
    seen_in="odd-streams",
)
