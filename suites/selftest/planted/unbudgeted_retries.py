"""Round and round, as often as it takes."""

from collections.abc import Collection, Sequence

from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy

_ROUNDS = 8


class _RoundAndRound(Policy):
    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        if tried:  # a retry goes to the next in order, whatever its breaker says
            return candidates[len(tried) % len(candidates)]
        try:
            return super().pick(now_s, candidates, tried)
        except Exception:  # noqa: BLE001 - the defect: no refusal is ever taken for an answer
            return candidates[0]

    def may_retry(self, attempts: int) -> bool:
        return attempts < _ROUNDS


UNBUDGETED_RETRIES = Planted(
    name="unbudgeted-retries",
    about="retries each request up to eight times, whatever the endpoints say and however many others do the same",
    make=with_policy(_RoundAndRound),
    caught_by="retry_amplification",
    seen_in="outage-everywhere-failing",
    also=frozenset({"early_retry_ratio", "attempts_per_request_max"}),
    why="its retries also go to endpoints that have just said when to come back, and one request has up to eight",
)
