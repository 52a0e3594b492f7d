"""All are equal, those who wait and those who do not."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _Alike(Policy):
    def with_room(
        self, now_s: float, candidates: Sequence[str], tried: Collection[str], tenant: str, traffic_class: str
    ) -> list[str]:
        del traffic_class
        return super().with_room(now_s, candidates, tried, tenant, "interactive")


SHEDS_ALIKE = Planted(
    name="sheds-alike",
    about="refuses whoever comes when all is full, whether somebody waits for the answer or not",
    make=with_policy(_Alike),
    caught_by="shed_in_order_ratio",
    seen_in="overload-sheds-background",
    also=frozenset({"availability"}),
    why="those who wait are refused, too, and not served",
)
