"""Who says no must be ill."""

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _AnyError(Policy):
    def rejected(self, now_s: float, endpoint: str) -> None:
        super().rejected(now_s, endpoint)
        self.breakers[endpoint].failure(now_s)


BLAMES_THE_ENDPOINT = Planted(
    name="blames-the-endpoint",
    about="counts what a caller asked wrongly as its endpoint's failure, and leaves it",
    make=with_policy(_AnyError),
    caught_by="share_kept_ratio",
    also=frozenset({"availability"}),
    why="who asks wrongly everywhere takes every endpoint from the others",
    seen_in="anothers-mistakes-cost-nobody-an-endpoint",
)
