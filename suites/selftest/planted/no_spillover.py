"""What does not fit into what was bought is refused."""

from collections.abc import Collection, Sequence

from brownout.wire import Refusal
from fixtures.router.parts import Parts
from fixtures.router.policy import Policy
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted


class _BoughtOrNothing(Policy):
    def spilled(self, now_s: float, candidates: Sequence[str], tried: Collection[str], left: list[str]) -> list[str]:
        bought = {place.name for place in self._places if place.capacity == "provisioned"} & set(candidates)
        if bought and not bought & set(left):
            raise Refusal("overloaded", "what was bought is used up", retry_after_s=1.0)
        return super().spilled(now_s, candidates, tried, left)


class _Drops(Router):
    def spills(self, refusal: Refusal) -> bool:
        del refusal
        return False


NO_SPILLOVER = Planted(
    name="no-spillover",
    about="refuses what does not fit into provisioned capacity, though on-demand has room",
    make=Parts(router=_Drops, policy=_BoughtOrNothing),
    caught_by="dropped_with_capacity",
    seen_in="surge-spills-over",
    also=frozenset({"availability", "served_during_fault", "time_to_failover_s"}),
    why="who is dropped is not served",
)
