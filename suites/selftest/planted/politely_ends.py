"""Two ways to end a broken stream as if nothing had been."""

from collections.abc import Collection

from brownout.wire import End, Refusal, StreamWriter
from fixtures.router.server import Router
from suites.selftest.planted.base import Make, Planted, with_router


def _ends_politely(kinds: Collection[str]) -> Make:
    class _Polite(Router):
        def last_words(self, writer: StreamWriter, refusal: Refusal) -> bytes:
            return writer.event(End()) if refusal.kind in kinds else super().last_words(writer, refusal)

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
