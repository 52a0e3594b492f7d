"""First come, first served, and one comes ten times as often."""

from fixtures.router.shedding import Room
from suites.selftest.planted.base import Planted, with_room


class _NobodysPart(Room):
    def ratio(self, tenant: str, traffic_class: str, *, sharers: int) -> float:
        del sharers
        return super().ratio(tenant, traffic_class, sharers=1)  # as if nobody else had ever asked


ONE_TENANT_TAKES_ALL = Planted(
    name="one-tenant-takes-all",
    about="lets one tenant's burst fill what others share with it",
    make=with_room(_NobodysPart),
    caught_by="fairness_ratio",
    seen_in="one-tenants-burst",
    also=frozenset({"availability"}),
    why="the others find all full, and are not served",
)
