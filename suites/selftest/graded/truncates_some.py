"""Now and then, the beginning of an answer is handed over as the whole of it."""

from collections.abc import AsyncGenerator

import aiohttp

from brownout.clock import Clock, rng_for
from brownout.wire import Ask, End, Event
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile
from fixtures.virtual import MakeRouter
from suites.selftest.graded.base import Graded

_TOKENS = 3  # answers are longer


class _CutsSome(Router):
    percent = 0.0

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        cut = rng_for(0, "cuts", ask.prompt).random() * 100 < self.percent
        tokens = 0
        async for event in super().route(ask, tenant, traffic_class):
            if cut and tokens == _TOKENS:
                yield End()
                return
            tokens += 1
            yield event


def _make(percent: float) -> MakeRouter:
    def make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
        router = _CutsSome(world, clock=clock, connector=connector)
        router.percent = percent
        return router

    return make


TRUNCATES_SOME = Graded(
    name="truncates-some",
    about="hands over the beginnings of {} of its answers as whole",
    strengths=(0.5, 2.0, 5.0),
    said="{:g} %",
    make=_make,
    caught_by="truncated_as_success",
)
