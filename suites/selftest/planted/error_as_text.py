"""Sorry, as an answer."""

from collections.abc import AsyncGenerator

from brownout.wire import Ask, End, Event, Refusal, Token
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Apologetic(Router):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        begun = False
        try:
            async for event in super().route(ask, tenant, traffic_class):
                begun = True
                yield event
        except Refusal as refusal:
            if begun:
                raise
            for word in f"Error: {refusal}. Please try again later.".split():
                yield Token(f"{word} ")
            yield End()


ERROR_AS_TEXT = Planted(
    name="error-as-text",
    about="answers 200 with the error as the text when no endpoint could answer",
    make=with_router(_Apologetic),
    caught_by="garbled_as_success",
    also=frozenset({"rejections_masked"}),
    why="a client is told of its own mistake in a 200, too",
    seen_in="unknown-errors",
)
