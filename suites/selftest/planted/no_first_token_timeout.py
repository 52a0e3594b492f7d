"""Waits for the first token as long as it takes."""

import aiohttp

from brownout.clock import Clock
from fixtures.router.policy import Settings
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile
from suites.selftest.planted.base import Planted

_FOR_EVER_S = 3600.0


def _patient(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
    return Router(world, clock=clock, connector=connector, settings=Settings(first_token_s=_FOR_EVER_S))


NO_FIRST_TOKEN_TIMEOUT = Planted(
    name="no-first-token-timeout",
    about="waits for an endpoint's first token without limit",
    make=_patient,
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
