"""Least requests over all that may be used, and passive ejection of outliers: a service mesh's idea of a router."""

from collections import deque
from collections.abc import Sequence

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, Refusal
from fixtures.router.errors import FULL
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.chain import Chain
from suites.selftest.sound.gateway import Caller
from suites.selftest.sound.otel import OtelTally

_IN_A_ROW = 3
_OF_LAST, _FAILED_MIN = 6, 3
_EJECTED_S, _EJECTED_MAX_S = 3.0, 5.0
_FULL_S = 0.3


class _Host:
    """What is known of one endpoint."""

    def __init__(self) -> None:
        self.last: deque[bool] = deque(maxlen=_OF_LAST)
        self.out_until_s = 0.0
        self.out_for_s = _EJECTED_S
        self.used = 0

    def note(self, now_s: float, *, failed: bool) -> None:
        """Remember how a request went; eject who fails several in a row, or half of the last."""
        self.last.append(failed)
        if not failed:
            if sum(self.last) == 0:
                self.out_for_s = _EJECTED_S
            return
        if (all(list(self.last)[-_IN_A_ROW:]) and len(self.last) >= _IN_A_ROW) or sum(self.last) >= _FAILED_MIN:
            self.out_until_s = now_s + self.out_for_s
            self.out_for_s = min(self.out_for_s * 2, _EJECTED_MAX_S)
            self.last.clear()


class _EvenSpread(Chain):
    """Who is ejected comes back whole. It retries elsewhere, and takes no note of when it was told to come back."""

    secretless = True
    retry_ratio = 0.2

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._hosts = {one.name: _Host() for one in self.endpoints}
        self.tally = OtelTally({one.name: one.provider for one in self.endpoints})

    def next(self, ask: Ask, caller: Caller, tried: Sequence[str]) -> str | None:
        del ask
        now_s = self.clock.now_s()
        healthy = [
            name for name in self.allowed(caller) if name not in tried and self._hosts[name].out_until_s <= now_s
        ]
        chosen = min(healthy, key=lambda name: (self.open[name], self._hosts[name].used), default=None)
        if chosen:
            self._hosts[chosen].used += 1
        return chosen

    def went(self, endpoint: str) -> None:
        self._hosts[endpoint].note(self.clock.now_s(), failed=False)

    def failed(self, endpoint: str, refusal: Refusal, *, begun: bool) -> None:
        now_s, host = self.clock.now_s(), self._hosts[endpoint]
        if refusal.kind in FULL and not begun:  # which is no illness
            host.out_until_s = max(host.out_until_s, now_s + _FULL_S)
        else:
            host.note(now_s, failed=True)


EVEN_SPREAD = Sound(
    name="even-spread",
    about="least open requests over all that may be asked, passive ejection of outliers, OpenTelemetry's metrics",
    make=_EvenSpread,
    shown_by=("told-of-an-outage",),
)
