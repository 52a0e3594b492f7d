"""First come, first served, and one comes ten times as often."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _NobodysPart(Policy):
    def with_room(
        self, now_s: float, candidates: Sequence[str], tried: Collection[str], tenant: str, traffic_class: str
    ) -> list[str]:
        left = super().with_room(now_s, candidates, tried, tenant, traffic_class)
        self._asked_at_s.clear()  # as if nobody else had ever asked
        return left


ONE_TENANT_TAKES_ALL = Planted(
    name="one-tenant-takes-all",
    about="lets one tenant's burst fill what others share with it",
    make=with_policy(_NobodysPart),
    caught_by="fairness_ratio",
    seen_in="one-tenants-burst",
    also=frozenset({"availability"}),
    why="the others find all full, and are not served",
)
