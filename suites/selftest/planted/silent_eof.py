"""The stream just stops."""

from brownout.wire import Refusal, StreamWriter
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _JustStops(Router):
    def last_words(self, writer: StreamWriter, refusal: Refusal) -> bytes:
        del writer, refusal
        return b""


SILENT_EOF = Planted(
    name="silent-eof",
    about="ends a stream that its endpoint cut without a terminator and without a word",
    make=with_router(_JustStops),
    caught_by="unsaid_failures",
    seen_in="stream-is-not-begun-again",
)
