"""Half a second later, all together."""

import asyncio
from collections.abc import AsyncIterator

from brownout.wire import Ask, Event, Refusal
from fixtures.router.errors import FINAL
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router

_WAIT_S = 0.5


class _Metronome(Router):
    async def attempt(self, endpoint: str, ask: Ask) -> AsyncIterator[Event]:
        begun = False
        try:
            async for event in super().attempt(endpoint, ask):
                begun = True
                yield event
        except Refusal as refusal:
            told = refusal.kind in FINAL or refusal.retry_after_s is not None
            if begun or told or not self.policy.may_retry(1):
                raise
        else:
            return
        await asyncio.sleep(_WAIT_S)
        async for event in super().attempt(endpoint, ask):
            yield event


RETRIES_IN_STEP = Planted(
    name="retries-in-step",
    about="asks a failed endpoint once more, within its budget, always half a second later",
    make=with_router(_Metronome),
    caught_by="retries_in_step_ratio",
    seen_in="outage-everywhere-failing",
)
