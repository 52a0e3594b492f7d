"""Once it was full, it is never asked again."""

import math

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _NeverAgain(Policy):
    def full(self, now_s: float, endpoint: str, told_s: float | None, *, too_often: bool) -> None:
        bought = any(place.name == endpoint and place.capacity == "provisioned" for place in self._places)
        super().full(now_s, endpoint, math.inf if bought else told_s, too_often=too_often)


ABANDONS_PROVISIONED = Planted(
    name="abandons-provisioned",
    about="never goes back to provisioned capacity that has refused a request for want of room",
    make=with_policy(_NeverAgain),
    caught_by="time_to_recover_s",
    seen_in="quota-shrink",
)
