"""One good answer, and everything is let loose."""

from fixtures.router.breaker import Breaker
from suites.selftest.planted.base import Planted, with_breaker


class _NoTrickle(Breaker):
    def healing(self, now_s: float) -> None:
        super().healing(now_s)
        self.state = "closed"


BREAKER_REOPENS_AT_ONCE = Planted(
    name="breaker-reopens-at-once",
    about="gives a healed endpoint all its traffic back after a single good answer",
    make=with_breaker(_NoTrickle),
    caught_by="reopen_share_ratio",
    also=frozenset({"ramp_step_ratio", "share_left_ratio"}),
    why="all its traffic at once is one step, and a place that is slow now and then is let loose again and again",
    seen_in="traffic-comes-back-in-steps",
)
