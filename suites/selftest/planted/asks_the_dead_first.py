"""Every request finds out anew."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _NoMemory(Policy):
    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        fresh = [name for name in candidates if name not in tried]
        return fresh[0] if fresh else super().pick(now_s, candidates, tried)

    def may_retry(self, attempts: int) -> bool:
        return attempts < self.settings.attempts_max


ASKS_THE_DEAD_FIRST = Planted(
    name="asks-the-dead-first",
    about="has no breaker: each request is sent to the first endpoint in order, however often that has failed",
    make=with_policy(_NoMemory),
    caught_by="time_to_detect_s",
    also=frozenset(
        {
            "availability",
            "early_retry_ratio",
            "probe_rate_rps",
            "probes_in_flight",
            "ramp_relapse_ratio",
            "share_left_ratio",
            "error_budget_spent_s",
            "retry_amplification",
            "served_during_fault",
            "time_to_failover_s",
        }
    ),
    why="each of its requests knocks at every dead door again, and a stream that breaks there is lost",
    seen_in="region-5xx",
)
