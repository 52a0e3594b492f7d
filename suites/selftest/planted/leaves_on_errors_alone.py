"""Slow is not broken, it thinks."""

from fixtures.router.breaker import BreakerSettings
from fixtures.router.health import HealthSettings
from fixtures.router.policy import Settings
from suites.selftest.planted.base import Planted, with_settings

_NEVER_S = 3600.0
_BLIND = HealthSettings(ttft_p50_max_s=_NEVER_S, ttft_p90_max_s=_NEVER_S)
_PATIENCE_S = 3.5  # an answer that is late, but comes, is no error

LEAVES_ON_ERRORS_ALONE = Planted(
    name="leaves-on-errors-alone",
    about="leaves an endpoint for its errors alone, however late its first tokens are",
    make=with_settings(Settings(breaker=BreakerSettings(health=_BLIND), first_token_s=_PATIENCE_S)),
    caught_by="share_left_ratio",
    seen_in="slow-endpoint-is-left",
    also=frozenset({"time_to_failover_s"}),
    why="one that says nothing is left only after several have waited for it in vain, one after another",
)
