"""Lets in what it has been told that its endpoints bear, by tenant and class, and refuses the rest at once."""

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, HttpReply, Refusal
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.gateway import Caller, Route
from suites.selftest.sound.tripped import Tripped

_PLACES = 8  # requests open at an endpoint at once
_FOR_BACKGROUND = 0.5
_FOR_ONE_TENANT = 0.6
_COME_BACK_S = 2.0


class _Admitting(Tripped):
    """Of each endpoint's places some are for those who wait for an answer, and no tenant has all of them."""

    retry_ratio = 0.2

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._in: Counter[str] = Counter()

    async def route(self, ask: Ask, caller: Caller) -> Route:
        """Yield the answer of who is let in.

        Raises:
            Refusal: ``throttled``, with the time after which to come back, for who is not.
        """
        allowed = self.allowed(caller)
        places, inside = _PLACES * len(allowed), sum(self.open[name] for name in allowed)
        if (
            inside >= places
            or self._in[caller.tenant] >= places * _FOR_ONE_TENANT
            or (caller.traffic_class == "background" and inside >= places * _FOR_BACKGROUND)
        ):
            raise Refusal("throttled", retry_after_s=_COME_BACK_S)
        self._in[caller.tenant] += 1
        try:
            async with aclosing(super().route(ask, caller)) as events:
                async for event in events:
                    yield event
        finally:
            self._in[caller.tenant] -= 1

    def order(self, ask: Ask, caller: Caller) -> Sequence[str]:
        """Return those with a place left."""
        del ask
        return [name for name in self.allowed(caller) if self.open[name] < _PLACES]

    def refused(self, refusal: Refusal, reply_id: str) -> HttpReply:
        """Return a refusal; whoever may come back is told when."""
        if refusal.kind in ("throttled", "unavailable", "overloaded") and refusal.retry_after_s is None:
            refusal = Refusal(refusal.kind, refusal.message, retry_after_s=_COME_BACK_S)
        return super().refused(refusal, reply_id)


ADMITTING = Sound(
    name="admitting",
    about="strict admission: fixed places at each endpoint, parts of them for tenants and classes, 429 beyond",
    make=_Admitting,
    shown_by=("overload-sheds-background",),
)
