"""A chain whose endpoints have the plain breaker each; the order is a design's own."""

from collections.abc import Sequence

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, Refusal
from fixtures.router.errors import FULL
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.chain import COME_BACK_S, Chain
from suites.selftest.sound.gateway import Caller
from suites.selftest.sound.tripping import Trip


class Tripped(Chain):
    """Asks the first in order that is let through.

    Attributes:
        failures, open_s: as `Trip` has them.
        full_s: how long an endpoint is left that refuses for want of room, and does not say when to come back.
    """

    failures, open_s = 3, 3.0
    full_s = 0.5

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self.trips = {one.name: Trip(self.failures, self.open_s) for one in self.endpoints}

    def order(self, ask: Ask, caller: Caller) -> Sequence[str]:
        """Return who may be asked, in order."""
        del ask
        return self.allowed(caller)

    def next(self, ask: Ask, caller: Caller, tried: Sequence[str]) -> str | None:
        """Return the first in order that is not tried yet, and that is let through."""
        now_s = self.clock.now_s()
        fresh = (name for name in self.order(ask, caller) if name not in tried)
        return next((name for name in fresh if self.trips[name].lets(now_s)), None)

    def went(self, endpoint: str) -> None:
        """It is well."""
        self.trips[endpoint].went()

    def left(self, endpoint: str) -> None:
        """Nothing is known of it."""
        self.trips[endpoint].left()

    def failed(self, endpoint: str, refusal: Refusal, *, begun: bool) -> None:
        """It may be sick, or full."""
        told_s = refusal.retry_after_s
        if refusal.kind in FULL and told_s is None and not begun:
            told_s = self.full_s
        self.trips[endpoint].failed(self.clock.now_s(), told_s)

    def come_back_s(self, caller: Caller) -> float:
        """Return when the first of them may be asked again."""
        now_s = self.clock.now_s()
        return max(min((self.trips[name].opens_in_s(now_s) for name in self.allowed(caller)), default=0), COME_BACK_S)
