"""Half an answer, with a full stop."""

from brownout.wire import End, Refusal, StreamWriter
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _FullStop(Router):
    def last_words(self, writer: StreamWriter, refusal: Refusal) -> bytes:
        del refusal
        return writer.event(End())


TRUNCATION_AS_SUCCESS = Planted(
    name="truncation-as-success",
    about="ends a stream that its endpoint cut as if it were whole",
    make=with_router(_FullStop),
    caught_by="truncated_as_success",
    seen_in="stream-is-not-begun-again",
)
