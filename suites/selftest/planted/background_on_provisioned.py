"""The night's work sits in the seats that were bought for the day's."""

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _OneClass(Policy):
    def candidates(self, tenant: str, traffic_class: str) -> list[str]:
        del traffic_class
        return super().candidates(tenant, "interactive")


BACKGROUND_ON_PROVISIONED = Planted(
    name="background-on-provisioned",
    about="sends background work to provisioned capacity, as if somebody waited for it",
    make=with_policy(_OneClass),
    caught_by="background_on_provisioned",
    seen_in="surge-spills-over",
)
