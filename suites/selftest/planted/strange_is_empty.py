"""What it cannot read has no text in it, and so it says."""

from collections.abc import AsyncIterator

from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Trusting(Router):
    async def attempt(self, endpoint: str, ask: Ask) -> AsyncIterator[Event]:
        begun = False
        try:
            async for event in super().attempt(endpoint, ask):
                begun = True
                yield event
        except Refusal as refusal:
            if begun or refusal.kind != "unknown":
                raise
            yield End()


STRANGE_IS_EMPTY = Planted(
    name="strange-is-empty",
    about="takes an error that it does not know for an answer without a text",
    make=with_router(_Trusting),
    caught_by="truncated_as_success",
    seen_in="unknown-errors",
    like="empty-success",
    like_why="an empty answer takes the place of a refusal, there of any, here of one kind",
)
