"""Asks a second endpoint when the first is late, takes whoever begins, and hangs up on the other."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Ask, Event, Refusal
from fixtures.router.errors import FINAL, summed_up
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.chain import COME_BACK_S, in_turn
from suites.selftest.sound.gateway import Caller, Gateway, Route
from suites.selftest.sound.tripping import Trip

_HEDGE_AFTER_S = 0.6
_HEDGE_RATIO, _HEDGE_BURST = 0.1, 5.0
_ATTEMPTS_MAX = 3


class _Runner(msgspec.Struct, eq=False):
    """One of those who race: its events, and the first of them when it comes."""

    endpoint: str
    events: Route
    first: asyncio.Future[Event]


class _Hedger(Gateway):
    """Each request earns a tenth of a hedge. Whoever was late, or failed, three times in a row is left for 3 s."""

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._trips = {one.name: Trip(failures=3, open_s=3.0) for one in self.endpoints}
        self._hedges = _HEDGE_BURST

    async def route(self, ask: Ask, caller: Caller) -> Route:
        """Yield the answer of the first who begins."""
        self._hedges = min(self._hedges + _HEDGE_RATIO, _HEDGE_BURST)
        tried: list[str] = []
        said: list[Refusal] = []
        while len(tried) < _ATTEMPTS_MAX:
            begun = False
            try:
                runner = await self._won(ask, caller, tried, said)
                async for event in in_turn(self._told(runner), ask):
                    begun = True
                    yield event
            except Refusal as refusal:
                said.append(refusal)
                if begun or refusal.kind in FINAL or len(said) > len(tried):
                    raise
            else:
                return
        raise summed_up(said, said[-1])

    async def _won(self, ask: Ask, caller: Caller, tried: list[str], said: list[Refusal]) -> _Runner:
        """Return who begins first, of one and a hedge; those who fail before are said of.

        Raises:
            Refusal: nobody did.
        """
        racing = [self._sent(self._next(caller, tried, said), ask, tried)]
        late = False
        try:
            while True:
                over, _ = await asyncio.wait(
                    [one.first for one in racing],
                    timeout=None if late else _HEDGE_AFTER_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for one in [one for one in racing if one.first in over]:
                    racing.remove(one)
                    if (refusal := one.first.exception()) is None:
                        for slower in racing:
                            self._trips[slower.endpoint].failed(self.clock.now_s())
                        return one
                    self._failed(one.endpoint, refusal)
                    if not racing:
                        raise refusal
                if not over:
                    late = True
                    with suppress(Refusal):
                        racing += self._hedge(ask, caller, tried)
        finally:
            for one in racing:
                await _hang_up(one)

    def _hedge(self, ask: Ask, caller: Caller, tried: list[str]) -> list[_Runner]:
        if self._hedges < 1:
            return []
        endpoint = self._next(caller, tried, [])
        self._hedges -= 1
        return [self._sent(endpoint, ask, tried)]

    def _sent(self, endpoint: str, ask: Ask, tried: list[str]) -> _Runner:
        tried.append(endpoint)
        events = self.asked(endpoint, ask)
        return _Runner(endpoint, events, asyncio.ensure_future(anext(events)))

    def _next(self, caller: Caller, tried: Sequence[str], said: Sequence[Refusal]) -> str:
        now_s = self.clock.now_s()
        for name in self.allowed(caller):
            if name not in tried and self._trips[name].lets(now_s):
                if said:
                    self.tally.failover()
                return name
        nobody = Refusal("unavailable", "nobody can take it now", retry_after_s=COME_BACK_S)
        raise summed_up(said, nobody)

    async def _told(self, runner: _Runner) -> Route:
        """Yield the winner's events; what became of it is learned."""
        learned = False
        try:
            yield runner.first.result()
            async for event in runner.events:
                yield event
            learned = True
            self._trips[runner.endpoint].went()
        except Refusal as refusal:
            learned = True
            self._failed(runner.endpoint, refusal)
            raise
        finally:
            if not learned:
                self._trips[runner.endpoint].left()
            await runner.events.aclose()

    def _failed(self, endpoint: str, error: BaseException) -> None:
        trip = self._trips[endpoint]
        if isinstance(error, Refusal) and error.kind not in FINAL:
            trip.failed(self.clock.now_s(), error.retry_after_s)
        else:
            trip.left()


async def _hang_up(runner: _Runner) -> None:
    runner.first.cancel()
    with suppress(asyncio.CancelledError, Refusal, StopAsyncIteration):
        await runner.first
    await runner.events.aclose()


HEDGER = Sound(
    name="hedger",
    about="asks a second endpoint when the first token is late, at most for one request in ten, and takes the faster",
    make=_Hedger,
    shown_by=("slow-endpoint-is-left",),
)
