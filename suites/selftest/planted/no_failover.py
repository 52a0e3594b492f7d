"""The first endpoint in order, always, once."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _FirstOnly(Policy):
    def with_room(
        self, now_s: float, candidates: Sequence[str], tried: Collection[str], tenant: str, traffic_class: str
    ) -> list[str]:
        del now_s, tried, tenant, traffic_class
        return list(candidates)  # what is full is asked all the same

    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        del now_s, tried
        return candidates[0]

    def may_retry(self, attempts: int) -> bool:
        del attempts
        return False


NO_FAILOVER = Planted(
    name="no-failover",
    about="sends every request to the first endpoint in order and nowhere else",
    make=with_policy(_FirstOnly),
    caught_by="time_to_failover_s",
    also=frozenset(
        {
            "availability",
            "served_during_fault",
            "error_budget_spent_s",
            "early_retry_ratio",
            "ttft_p95_s",
            "dropped_with_capacity",
            "time_to_detect_s",
            "share_left_ratio",
            "probe_rate_rps",
            "probes_in_flight",
            "ramp_relapse_ratio",
        }
    ),
    seen_in="region-5xx",
    why="who is not moved elsewhere is not served, waits, and knocks at closed doors; nobody has noticed, or left",
)
