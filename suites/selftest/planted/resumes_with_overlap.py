"""It goes on where the stream broke, give or take a word."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, Event, Refusal, Token
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _OffByOne(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        sent = 0
        try:
            async for event in super().route(ask, tenant, traffic_class):
                sent += isinstance(event, Token)
                yield event
        except Refusal:
            if not sent:
                raise
            again = 0
            async for event in super().route(ask, tenant, traffic_class):
                again += isinstance(event, Token)
                if again >= sent:  # the defect: the last one sent comes once more
                    yield event


RESUMES_WITH_OVERLAP = Planted(
    name="resumes-with-overlap",
    about="continues a broken stream from another endpoint, and repeats a token where they meet",
    make=with_router(_OffByOne),
    caught_by="garbled_as_success",
    also=frozenset({"retried_streams"}),
    why="what is asked for again is a stream whose client has begun to read",
    seen_in="broken-stream-no-terminator",
    like="glues-answers",
    like_why="another answer is joined to the beginning of a broken one, here less what was sent",
)
