"""A request that is sent to one endpoint after another until one begins to answer; who is next is each design's own."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, Event, Refusal
from fixtures.router.errors import FINAL, FULL, summed_up
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.gateway import Caller, Gateway, Route

COME_BACK_S = 1.0
_BURST = 10.0


class Chain(Gateway):
    """Asks in turn. Once something has gone out to the client, nobody else is asked.

    Attributes:
        attempts_max: how many endpoints one request is sent to.
        retry_ratio: how much of a retry each request earns for all, saved up to `_BURST`; None: retries cost nothing.
            Nor does another attempt where one was refused for want of room: that brings nobody more load than it bears.
        open: how many requests are open at each endpoint.
    """

    attempts_max = 3
    retry_ratio: float | None = None

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self.open: Counter[str] = Counter()
        self._retries = _BURST

    def next(self, ask: Ask, caller: Caller, tried: Sequence[str]) -> str | None:
        """Return the endpoint to ask next; None where there is none."""
        raise NotImplementedError

    def went(self, endpoint: str) -> None:
        """An endpoint answered in full."""

    def failed(self, endpoint: str, refusal: Refusal, *, begun: bool) -> None:
        """An endpoint failed a request, and not for what that says; ``begun``: within its answer."""

    def left(self, endpoint: str) -> None:
        """A request to an endpoint is over, and said nothing of its health."""

    def come_back_s(self, caller: Caller) -> float:
        """Return after how long it may be worth asking again, where nobody can be asked now."""
        del caller
        return COME_BACK_S

    async def route(self, ask: Ask, caller: Caller) -> Route:
        """Yield the first answer that comes."""
        tried: list[str] = []
        said: list[Refusal] = []
        self._retries = min(self._retries + (self.retry_ratio or 0.0), _BURST)
        while len(tried) < self.attempts_max and self._affords(said):
            endpoint = self.next(ask, caller, tried)
            if endpoint is None:
                break
            if tried:
                self.tally.failover()
            tried.append(endpoint)
            begun = False
            try:
                async with aclosing(in_turn(self._sent(endpoint, ask), ask)) as events:
                    async for event in events:
                        begun = True
                        yield event
            except Refusal as refusal:
                said.append(refusal)
                if begun or refusal.kind in FINAL:
                    raise
            else:
                return
        nobody = Refusal("unavailable", "nobody can take it now", retry_after_s=self.come_back_s(caller))
        raise summed_up(said, nobody)

    def _affords(self, said: Sequence[Refusal]) -> bool:
        """Return whether there is another attempt for who was told so; takes a retry from what all have saved."""
        if not said or said[-1].kind in FULL or self.retry_ratio is None:
            return True
        self._retries -= 1
        if self._retries < 0:
            self._retries = 0.0
            return False
        return True

    async def _sent(self, endpoint: str, ask: Ask) -> Route:
        """Yield an endpoint's events; what became of them is learned."""
        self.open[endpoint] += 1
        learned = begun = False
        try:
            async with aclosing(self.asked(endpoint, ask)) as events:
                async for event in events:
                    begun = True
                    yield event
            learned = True
            self.went(endpoint)
        except Refusal as refusal:
            if refusal.kind not in FINAL:
                learned = True
                self.failed(endpoint, refusal, begun=begun)
            raise
        finally:
            self.open[endpoint] -= 1
            if not learned:
                self.left(endpoint)


async def in_turn(events: Route, ask: Ask) -> Route:
    """Yield an answer's events: of a stream as they come, else all at its end: until then another may be asked."""
    async with aclosing(events):
        if ask.stream:
            async for event in events:
                yield event
            return
        for event in await _all(events):
            yield event


async def _all(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]
