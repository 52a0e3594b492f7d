"""Whoever has begun to come back comes back."""

from fixtures.router.breaker import Breaker, BreakerSettings
from suites.selftest.planted.base import Planted, with_breaker

_FOR_S = 15.0


class _Deaf(Breaker):
    """Once something has succeeded, failures change nothing any more until it has been closed for a while."""

    def __init__(self, settings: BreakerSettings) -> None:
        super().__init__(settings)
        self._deaf_until_s = 0.0

    def success(self, now_s: float) -> None:
        if self.state == "partial":
            self._deaf_until_s = now_s + _FOR_S
        super().success(now_s)

    def began(self, now_s: float, ttft_s: float) -> None:
        if now_s >= self._deaf_until_s:
            super().began(now_s, ttft_s)

    def failure(self, now_s: float, *, stay_away_s: float | None = None) -> None:
        if now_s >= self._deaf_until_s or stay_away_s is not None:
            super().failure(now_s, stay_away_s=stay_away_s)
        elif self.state == "partial":
            self.success(now_s)


DEAF_TO_RELAPSE = Planted(
    name="deaf-to-relapse",
    about="goes on giving a healed endpoint its traffic back when it fails again",
    make=with_breaker(_Deaf),
    caught_by="ramp_relapse_ratio",
    also=frozenset({"share_left_ratio"}),
    why="an endpoint that fails a part of its requests answers a probe now and then",
    seen_in="a-relapse-takes-traffic-back",
)
