"""What was paid for beforehand comes last."""

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _BoughtLast(Policy):
    def candidates(self, tenant: str, traffic_class: str) -> list[str]:
        bought = {place.name for place in self._places if place.capacity == "provisioned"}
        return sorted(super().candidates(tenant, traffic_class), key=lambda name: name in bought)


ON_DEMAND_FIRST = Planted(
    name="on-demand-first",
    about="uses provisioned capacity only when on-demand has failed",
    make=with_policy(_BoughtLast),
    caught_by="on_provisioned_ratio",
    seen_in="surge-spills-over",
)
