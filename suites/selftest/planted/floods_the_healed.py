"""Welcome back! We have kept it all for you."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy

_FOR_S = 6.0


class _Welcome(Policy):
    """Sends background work, too, to an endpoint that has closed again not long ago."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._was_sick_at_s: dict[str, float] = {}

    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        for name, breaker in self.breakers.items():
            if breaker.state != "closed":
                self._was_sick_at_s[name] = now_s
        beside = {self._region[name] for name in candidates}
        for name, at_s in self._was_sick_at_s.items():
            if 0 < now_s - at_s < _FOR_S and self._region[name] in beside and name not in tried:
                return name
        return super().pick(now_s, candidates, tried)


FLOODS_THE_HEALED = Planted(
    name="floods-the-healed",
    about="sends everything, background work too, to an endpoint that has just healed, to warm it",
    make=with_policy(_Welcome),
    caught_by="ramp_overshoot_ratio",
    also=frozenset({"time_to_recover_s"}),
    why="while one endpoint is warmed, another that has healed goes without its part of the traffic",
    seen_in="a-healed-endpoint-is-not-flooded",
)
