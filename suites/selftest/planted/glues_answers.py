"""The beginning of one answer and the whole of another."""

import aiohttp

from brownout.clock import Clock
from brownout.wire import Refusal
from fixtures.router.server import Router, WorldFile
from suites.selftest.planted.base import Planted


class _Glue(Router):
    def may_go_on(self, refusal: Refusal, *, begun: bool) -> bool:
        del begun
        return refusal.kind != "invalid"


def _make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
    return _Glue(world, clock=clock, connector=connector)


GLUES_ANSWERS = Planted(
    name="glues-answers",
    about="retries after tokens have gone out, so that a client gets two answers joined as one",
    make=_make,
    caught_by="truncated_as_success",
)
