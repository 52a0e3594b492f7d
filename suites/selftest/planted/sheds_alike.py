"""All are equal, those who wait and those who do not."""

from fixtures.router.shedding import Room
from suites.selftest.planted.base import Planted, with_room


class _Alike(Room):
    def ratio(self, tenant: str, traffic_class: str, *, sharers: int) -> float:
        del traffic_class
        return super().ratio(tenant, "interactive", sharers=sharers)


SHEDS_ALIKE = Planted(
    name="sheds-alike",
    about="refuses whoever comes when all is full, whether somebody waits for the answer or not",
    make=with_room(_Alike),
    caught_by="shed_in_order_ratio",
    seen_in="overload-sheds-background",
    also=frozenset({"availability"}),
    why="those who wait are refused, too, and not served",
)
