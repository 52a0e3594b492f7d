"""Sixty strikes, and you may be out."""

from fixtures.router.breaker import BreakerSettings
from fixtures.router.policy import Settings
from suites.selftest.planted.base import Planted, with_settings

_PATIENT = BreakerSettings(failures_min=60, last=120, window_s=60.0)

DETECTS_LATE = Planted(
    name="detects-late",
    about="needs sixty failures of an endpoint before it takes it for sick",
    make=with_settings(Settings(breaker=_PATIENT)),
    caught_by="time_to_detect_s",
    also=frozenset(
        {
            "availability",
            "error_budget_spent_s",
            "probes_in_flight",
            "ramp_relapse_ratio",
            "served_during_fault",
            "share_left_ratio",
            "time_to_failover_s",
        }
    ),
    why="whoever is sent to a sick endpoint is lost, by a stream or once retries are spent; it is not left before",
    seen_in="region-5xx",
    like="asks-the-dead-first",
    like_why="for sixty failures, longer than most outages here, its breaker is none",
)
