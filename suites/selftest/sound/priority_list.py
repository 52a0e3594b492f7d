"""A list in order, and a cooldown for whoever fails: the gateway that many run."""

from collections.abc import Sequence

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, Refusal
from fixtures.router.errors import FULL
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.chain import COME_BACK_S, Chain
from suites.selftest.sound.gateway import Caller

_COOLDOWN_S = 4.0
_FULL_S = 0.5  # a refusal for want of room that does not say when to come back
_TOLD_MAX_S = 60.0


class _PriorityList(Chain):
    """Leaves an endpoint alone for a fixed time at its first failure; then all is as it was before, at once."""

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._until_s: dict[str, float] = {}

    def next(self, ask: Ask, caller: Caller, tried: Sequence[str]) -> str | None:
        del ask
        now_s = self.clock.now_s()
        for name in self.allowed(caller):
            if name not in tried and self._until_s.get(name, 0.0) <= now_s:
                return name
        return None

    def failed(self, endpoint: str, refusal: Refusal, *, begun: bool) -> None:
        wait_s = _FULL_S if refusal.kind in FULL and not begun else _COOLDOWN_S
        if refusal.retry_after_s is not None:
            wait_s = min(refusal.retry_after_s, _TOLD_MAX_S)
        self._until_s[endpoint] = max(self._until_s.get(endpoint, 0.0), self.clock.now_s() + wait_s)

    def come_back_s(self, caller: Caller) -> float:
        soonest_s = min((self._until_s.get(name, 0.0) for name in self.allowed(caller)), default=0.0)
        return max(soonest_s - self.clock.now_s(), COME_BACK_S)


PRIORITY_LIST = Sound(
    name="priority-list",
    about="a list in order, a fixed cooldown at the first failure, and no trickle on the way back",
    make=_PriorityList,
    shown_by=("region-5xx",),
)
