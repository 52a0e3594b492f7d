"""On the whole, it goes well."""

from fixtures.router.breaker import BreakerSettings
from fixtures.router.health import HealthSettings
from fixtures.router.policy import Settings
from suites.selftest.planted.base import Planted, with_settings

_NEVER_S = 3600.0
_PATIENCE_S = 3.5  # an answer that is late, but comes, is no error
_NO_TAIL = HealthSettings(ttft_p90_max_s=_NEVER_S)

LOOKS_AT_THE_MEDIAN = Planted(
    name="looks-at-the-median",
    about="leaves an endpoint when its median is late, and never for its tail",
    make=with_settings(Settings(breaker=BreakerSettings(health=_NO_TAIL), first_token_s=_PATIENCE_S)),
    caught_by="share_left_ratio",
    seen_in="endpoint-with-a-slow-tail-is-left",
    also=frozenset({"time_to_failover_s"}),
    why="one that says nothing is left only after several have waited for it in vain, one after another",
    like="leaves-on-errors-alone",
    like_why="that one is blind to both of the quantiles of which this one is blind to one",
)
