"""One bad apple, and the orchard is felled."""

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _WholeRegion(Policy):
    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        super().failed(now_s, endpoint, refusal)
        self._fell(now_s, endpoint)

    def began(self, now_s: float, endpoint: str, ttft_s: float) -> None:
        super().began(now_s, endpoint, ttft_s)
        self._fell(now_s, endpoint)

    def _fell(self, now_s: float, endpoint: str) -> None:
        left_s = self.breakers[endpoint].opens_in_s(now_s)
        for name in self._beside(endpoint) if left_s else ():
            self.breakers[name].failure(now_s, stay_away_s=left_s)

    def _beside(self, endpoint: str) -> list[str]:
        return [name for name, region in self._region.items() if region == self._region[endpoint] and name != endpoint]


LEAVES_THE_REGION = Planted(
    name="leaves-the-region",
    about="takes what one endpoint does for what all in its region do",
    make=with_policy(_WholeRegion),
    caught_by="share_kept_ratio",
    seen_in="failing-endpoint-is-left",
)
