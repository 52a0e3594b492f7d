"""What it cannot read has no text in it, and so it says."""

from collections.abc import AsyncIterator

from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, or_instead, with_router


class _Trusting(Router):
    def attempt(self, endpoint: str, ask: Ask) -> AsyncIterator[Event]:
        return or_instead(super().attempt(endpoint, ask), _empty)


async def _empty(refusal: Refusal) -> list[Event]:
    if refusal.kind != "unknown":
        raise refusal
    return [End()]


STRANGE_IS_EMPTY = Planted(
    name="strange-is-empty",
    about="takes an error that it does not know for an answer without a text",
    make=with_router(_Trusting),
    caught_by="truncated_as_success",
    seen_in="unknown-errors",
)
