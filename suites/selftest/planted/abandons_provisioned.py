"""Once it was full, it is never asked again."""

from collections.abc import Collection, Sequence

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy

_FULL = ("throttled", "overloaded")


class _NeverAgain(Policy):
    _was_full = ""

    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        super().failed(now_s, endpoint, refusal)
        if refusal.kind in _FULL and any(p.name == endpoint and p.capacity == "provisioned" for p in self._places):
            self._was_full = endpoint

    def with_room(
        self, now_s: float, candidates: Sequence[str], tried: Collection[str], tenant: str, traffic_class: str
    ) -> list[str]:
        others = [name for name in candidates if name != self._was_full]
        return super().with_room(now_s, others or candidates, tried, tenant, traffic_class)


ABANDONS_PROVISIONED = Planted(
    name="abandons-provisioned",
    about="never goes back to provisioned capacity that has refused a request for want of room",
    make=with_policy(_NeverAgain),
    caught_by="time_to_recover_s",
    seen_in="quota-shrink",
)
