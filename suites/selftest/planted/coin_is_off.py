"""Two arms, so half of it each."""

from collections.abc import Mapping

from fixtures.router.shaping import Shaper
from suites.selftest.planted.base import Planted, with_shaper


class _FairCoin(Shaper):
    def arm(self, shares: Mapping[str, float]) -> str:
        return super().arm(dict.fromkeys(shares, 1 / len(shares)))


COIN_IS_OFF = Planted(
    name="coin-is-off",
    about="splits an experiment's requests evenly, whatever its shares are",
    make=with_shaper(_FairCoin),
    caught_by="ab_deviation_ratio",
    seen_in="ab-shares",
)
