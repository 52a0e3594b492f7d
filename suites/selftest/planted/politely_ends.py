"""Two ways to end a broken stream as if nothing had been."""

from collections.abc import AsyncGenerator, Collection

from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Make, Planted, or_instead, with_router


def _ends_politely(kinds: Collection[str]) -> Make:
    async def end(refusal: Refusal) -> list[Event]:
        if refusal.kind not in kinds:
            raise refusal
        return [End()]

    class _Polite(Router):
        def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
            return or_instead(super().route(ask, tenant, traffic_class), end, begun=True)

    return with_router(_Polite)


GARBAGE_IS_THE_END = Planted(
    name="garbage-is-the-end",
    about="takes a chunk that it cannot read for the end of the answer",
    make=_ends_politely(("unknown",)),
    caught_by="truncated_as_success",
    seen_in="broken-stream-malformed-chunk",
)
SWALLOWS_LATE_ERRORS = Planted(
    name="swallows-late-errors",
    about="takes an error event in the middle of a stream for the end of the answer",
    make=_ends_politely(("overloaded", "internal", "throttled", "model-error")),
    caught_by="truncated_as_success",
    seen_in="late-error",
)
