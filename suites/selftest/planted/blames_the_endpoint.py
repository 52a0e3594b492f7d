"""Who says no must be ill."""

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _AnyError(Policy):
    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        super().failed(now_s, endpoint, refusal)
        if refusal.kind == "invalid":
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
