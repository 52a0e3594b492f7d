"""Once bitten, for ever shy."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _ForEver(Policy):
    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        bitten = [name for name in candidates if self.breakers[name].state != "closed"]
        healthy = [name for name in candidates if name not in bitten]
        # Where all have failed it has to take the way back, or nobody would ever be served again: one defect at a time.
        return super().pick(now_s, healthy or candidates, tried)


BREAKER_NEVER_CLOSES = Planted(
    name="breaker-never-closes",
    about="never goes back to an endpoint that has failed while another is left",
    make=with_policy(_ForEver),
    caught_by="time_to_recover_s",
    seen_in="gpus-full-without-an-error",
    also=frozenset({"time_to_full_return_s"}),
    why="a place that is never asked again never has its share again",
    like="third-failure-is-final",
    like_why="who has failed is never gone back to, here unless nobody else is left",
)
