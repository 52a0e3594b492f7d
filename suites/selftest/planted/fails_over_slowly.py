"""Perhaps it comes back by itself."""

from collections.abc import Collection, Sequence
from typing import Any

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy

_HOPES_FOR_S = 12.0
_FAILURES = ("unavailable", "internal", "timeout")


class _Hopeful(Policy):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._failing_since_s: dict[str, float] = {}

    def pick(self, now_s: float, candidates: Sequence[str], tried: Collection[str]) -> str:
        if candidates and now_s - self._failing_since_s.get(candidates[0], -_HOPES_FOR_S) < _HOPES_FOR_S:
            if candidates[0] in tried:
                raise Refusal("unavailable", "it may come back by itself")
            return candidates[0]
        return super().pick(now_s, candidates, tried)

    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        if refusal.kind in _FAILURES:
            self._failing_since_s.setdefault(endpoint, now_s)
        super().failed(now_s, endpoint, refusal)

    def succeeded(self, now_s: float, endpoint: str) -> None:
        self._failing_since_s.pop(endpoint, None)
        super().succeeded(now_s, endpoint)


FAILS_OVER_SLOWLY = Planted(
    name="fails-over-slowly",
    about="sends nothing elsewhere before an endpoint has failed for twelve seconds",
    make=with_policy(_Hopeful),
    caught_by="time_to_failover_s",
    also=frozenset(
        {
            "early_retry_ratio",
            "availability",
            "error_budget_spent_s",
            "probe_rate_rps",
            "probes_in_flight",
            "ramp_relapse_ratio",
            "share_left_ratio",
            "served_during_fault",
            "time_to_detect_s",
        }
    ),
    why="who is kept at a dead endpoint for twelve seconds is not served meanwhile",
    seen_in="region-5xx",
    like="no-failover",
    like_why="it is that one for the first twelve seconds of every outage",
)
