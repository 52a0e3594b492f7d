"""An endpoint that fails is taken for healthy for a while yet."""

from collections.abc import Collection, Mapping, Sequence

import aiohttp

from brownout.clock import Clock
from brownout.wire import Refusal
from fixtures.router.policy import Place, Policy, Settings
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile
from fixtures.virtual import MakeRouter
from suites.selftest.graded.base import Graded


class _Late(Policy):
    late_s = 0.0

    def __init__(self, places: Sequence[Place], allow: Mapping[str, Collection[str]], settings: Settings) -> None:
        super().__init__(places, allow, settings)
        self._since_s: dict[str, float] = {}
        self._blind = False

    def succeeded(self, now_s: float, endpoint: str) -> None:
        self._since_s.pop(endpoint, None)
        super().succeeded(now_s, endpoint)

    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        self._blind = now_s - self._since_s.setdefault(endpoint, now_s) < self.late_s
        if not self._blind:
            super().failed(now_s, endpoint, refusal)

    def may_retry(self, attempts: int) -> bool:
        """The router asks right after the failure that it is about."""
        return not self._blind and super().may_retry(attempts)


def _make(late_s: float) -> MakeRouter:
    policy = type("_LateBySo", (_Late,), {"late_s": late_s})

    def make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
        return Router(world, clock=clock, connector=connector, policy=policy)

    return make


SLOW_TO_FAIL_OVER = Graded(
    name="slow-to-fail-over",
    about="notices only {} after an endpoint's first failure that it fails",
    strengths=(1.0, 3.0, 10.0),
    said="{:g} s",
    make=_make,
    caught_by="time_to_failover_s",
)
