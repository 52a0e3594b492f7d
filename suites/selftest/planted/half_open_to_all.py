"""Let us see whether it has healed, all of us."""

from fixtures.router.breaker import Breaker
from suites.selftest.planted.base import Planted, with_breaker


class _Unbounded(Breaker):
    def admits(self, now_s: float) -> bool:
        admitted = super().admits(now_s)
        return admitted or (self.state == "partial" and not self.bears_more())


HALF_OPEN_TO_ALL = Planted(
    name="half-open-to-all",
    about="lets every request try a sick endpoint, until the first of them has come to its end",
    make=with_breaker(_Unbounded),
    caught_by="probes_in_flight",
    also=frozenset({"probe_rate_rps", "time_to_detect_s", "served_during_fault"}),
    why="who is asked by all at once is asked often, has not been left, and loses all who ask in mid-stream",
    seen_in="probes-are-few-silent",
    like="probes-in-a-flood",
    like_why="a sick endpoint is asked by many at a time whether it has healed",
)
