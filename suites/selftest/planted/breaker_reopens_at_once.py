"""One good answer, and everything is let loose."""

from collections.abc import Collection, Mapping, Sequence

from fixtures.router.breaker import Breaker
from fixtures.router.policy import Place, Policy, Settings
from suites.selftest.planted.base import Planted, with_policy


class _NoTrickle(Breaker):
    def success(self, now_s: float) -> None:
        super().success(now_s)
        self.state = "closed"


class _AtOnce(Policy):
    def __init__(self, places: Sequence[Place], allow: Mapping[str, Collection[str]], settings: Settings) -> None:
        super().__init__(places, allow, settings)
        self.breakers = {place.name: _NoTrickle(settings.breaker) for place in places}


BREAKER_REOPENS_AT_ONCE = Planted(
    name="breaker-reopens-at-once",
    about="gives a healed endpoint all its traffic back after a single good answer",
    make=with_policy(_AtOnce),
    caught_by="reopen_share_ratio",
    also=frozenset({"ramp_step_ratio", "share_left_ratio"}),
    why="all its traffic at once is one step, and a place that is slow now and then is let loose again and again",
    seen_in="traffic-comes-back-in-steps",
)
