"""A limit on how fast traffic may grow, inside the quotas: OpenAI's ``slow_down``, Anthropic's acceleration limits."""

import copy
from typing import Annotated

import msgspec

from brownout.capacity.window import ContinuousQuota


class Ramp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast traffic may grow.

    The defaults are OpenAI's rule of thumb ("Error codes", ``slow_down``): above a million input tokens a minute no
    more than half as much again every 15 minutes.

    Attributes:
        above_tokens_per_minute: input tokens a minute that are never too many.
        growth: what a period may carry beyond the one before it (ratio of that one).
        every_s: the length of a period.
    """

    above_tokens_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 1_000_000
    growth: Annotated[float, msgspec.Meta(gt=0)] = 0.5
    every_s: Annotated[float, msgspec.Meta(gt=0)] = 900.0


class RampQuota(ContinuousQuota):
    """A quota by the minute, which follows at each period's end what was taken in it.

    Args:
        ramp: how fast it may grow.
    """

    def __init__(self, ramp: Ramp) -> None:
        super().__init__(ramp.above_tokens_per_minute)
        self._ramp = ramp
        self._ends_s = ramp.every_s
        self._carried = 0.0

    def used(self, now_s: float) -> float:
        """Return what is used."""
        while now_s >= self._ends_s:
            self._turn()
        return super().used(now_s)

    def take(self, now_s: float, amount: float) -> None:
        """Use an amount, whether it fits or not."""
        super().take(now_s, amount)
        self._carried += amount

    def wait_s(self, now_s: float, amount: float) -> float | None:
        """Return how long until an amount fits; a period that ends meanwhile may bring a slower one."""
        self.used(now_s)
        later, from_s = copy.copy(self), now_s
        while True:
            wait_s = ContinuousQuota.wait_s(later, from_s, amount)
            if not wait_s or from_s + wait_s < later._ends_s:  # noqa: SLF001 - a copy of itself
                return None if wait_s is None else from_s + wait_s - now_s
            from_s = later._ends_s  # noqa: SLF001 - a copy of itself

    def _turn(self) -> None:
        ramp, end_s = self._ramp, self._ends_s
        self._used, self._at_s = super().used(end_s), end_s
        a_minute = self._carried * 60.0 / ramp.every_s
        self._bought = max(float(ramp.above_tokens_per_minute), (1.0 + ramp.growth) * a_minute)
        self._enforce()
        self._carried = 0.0
        self._ends_s = end_s + ramp.every_s
