"""What does not fit into what was bought is refused."""

from collections.abc import Collection, Sequence

from brownout.wire import Refusal
from fixtures.router.parts import Parts
from fixtures.router.policy import Policy
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted

_FULL = ("throttled", "overloaded")


class _BoughtOrNothing(Policy):
    def with_room(
        self, now_s: float, candidates: Sequence[str], tried: Collection[str], tenant: str, traffic_class: str
    ) -> list[str]:
        left = super().with_room(now_s, candidates, tried, tenant, traffic_class)
        bought = {place.name for place in self._places if place.capacity == "provisioned"} & set(candidates)
        if bought and not bought & set(left):
            raise Refusal("overloaded", "what was bought is used up", retry_after_s=1.0)
        return left


class _Drops(Router):
    def may_go_on(self, refusal: Refusal, *, begun: bool) -> bool:
        return refusal.kind not in _FULL and super().may_go_on(refusal, begun=begun)


NO_SPILLOVER = Planted(
    name="no-spillover",
    about="refuses what does not fit into provisioned capacity, though on-demand has room",
    make=Parts(router=_Drops, policy=_BoughtOrNothing),
    caught_by="dropped_with_capacity",
    seen_in="surge-spills-over",
    also=frozenset({"availability", "served_during_fault", "time_to_failover_s"}),
    why="who is dropped is not served",
)
