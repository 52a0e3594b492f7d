"""Half an answer, with a full stop."""

import aiohttp

from brownout.clock import Clock
from brownout.wire import End, Refusal, StreamWriter
from fixtures.router.server import Router, WorldFile
from suites.selftest.planted.base import Planted


class _FullStop(Router):
    def last_words(self, writer: StreamWriter, refusal: Refusal) -> bytes:
        del refusal
        return writer.event(End())


def _make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
    return _FullStop(world, clock=clock, connector=connector)


TRUNCATION_AS_SUCCESS = Planted(
    name="truncation-as-success",
    about="ends a stream that its endpoint cut as if it were whole",
    make=_make,
    caught_by="truncated_as_success",
)
