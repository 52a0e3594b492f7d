"""A retry budget that is too large, and nobody who looks whether retrying helps."""

from collections.abc import Collection, Sequence

import aiohttp

from brownout.clock import Clock
from fixtures.router.policy import Policy, Settings
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile
from fixtures.virtual import MakeRouter
from suites.selftest.graded.base import Graded

_ATTEMPTS_MAX = 10


class _RoundAndRound(Policy):
    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        del now_s
        return candidates[len(tried) % len(candidates)]


def _make(factor: float) -> MakeRouter:
    """Each request earns so much of a retry that, when all fail, there are ``factor`` attempts for each."""
    settings = Settings(retry_ratio=factor - 1, retry_burst=max(factor - 1, 1.0), attempts_max=_ATTEMPTS_MAX)

    def make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
        return Router(world, clock=clock, connector=connector, settings=settings, policy=_RoundAndRound)

    return make


RETRIES_WITHOUT_END = Graded(
    name="retries-without-end",
    about="makes {} attempts for each request when everything fails, for as long as it does",
    strengths=(1.5, 2.0, 3.0),
    said="{:g}x",
    make=_make,
    caught_by="retry_amplification",
)
