"""Waits for the first token as long as it takes."""

from fixtures.router.policy import Settings
from suites.selftest.planted.base import Planted, with_settings

_FOR_EVER_S = 3600.0

NO_FIRST_TOKEN_TIMEOUT = Planted(
    name="no-first-token-timeout",
    about="waits for an endpoint's first token without limit",
    make=with_settings(Settings(first_token_s=_FOR_EVER_S)),
    caught_by="hung_requests",
    seen_in="gpus-full-without-an-error",
    also=frozenset(
        {
            "time_to_serve_again_s",
            "availability",
            "served_during_fault",
            "time_to_failover_s",
            "time_to_recover_s",
            "probe_rate_rps",
            "probes_in_flight",
            "time_to_detect_s",
        }
    ),
    why="who hangs is not served, nobody is moved away from what hangs, and a probe that hangs heals nothing",
)
