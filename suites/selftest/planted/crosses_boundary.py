"""Any answer is better than none, it thinks."""

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _Anywhere(Policy):
    def candidates(self, tenant: str, traffic_class: str) -> list[str]:
        allowed = super().candidates(tenant, traffic_class)
        if all(self.breakers[name].state == "open" for name in allowed):
            return [*allowed, *(name for name in self.breakers if name not in allowed)]
        return allowed


CROSSES_BOUNDARY = Planted(
    name="crosses-boundary",
    about="sends a tenant's requests to any region once all of its own are down",
    make=with_policy(_Anywhere),
    caught_by="boundary_violations",
    seen_in="no-legal-alternative-by-any-failure",
)
