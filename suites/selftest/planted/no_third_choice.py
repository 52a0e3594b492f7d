"""One designated backup, and nothing behind it."""

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _TwoPlaces(Policy):
    def candidates(self, tenant: str, traffic_class: str) -> list[str]:
        first, *others = super().candidates(tenant, traffic_class)
        elsewhere = (name for name in others if self._region[name] != self._region[first])
        return [first, *list(elsewhere)[:1]]


NO_THIRD_CHOICE = Planted(
    name="no-third-choice",
    about="knows the first endpoint in order and a single fallback outside its region, dead or not",
    make=with_policy(_TwoPlaces),
    caught_by="served_during_fault",
    also=frozenset(
        {"availability", "error_budget_spent_s", "shed_in_order_ratio", "time_to_detect_s", "time_to_failover_s"}
    ),
    why="with both of its places dead, or full, it serves nobody, and has nowhere to move to",
    seen_in="two-regions-down",
)
