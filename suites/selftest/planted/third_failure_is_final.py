"""Three strikes, and out for good."""

from collections import Counter
from typing import Any

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy

_STRIKES = 3
_FAILURES = ("unavailable", "internal", "timeout", "unknown")


class _Unforgiving(Policy):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._strikes: Counter[str] = Counter()

    def candidates(self, tenant: str, traffic_class: str) -> list[str]:
        left = [name for name in super().candidates(tenant, traffic_class) if self._strikes[name] < _STRIKES]
        if not left:
            raise Refusal("unavailable", "every endpoint allowed for this tenant was given up")
        return left

    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        self._strikes[endpoint] += refusal.kind in _FAILURES
        super().failed(now_s, endpoint, refusal)


THIRD_FAILURE_IS_FINAL = Planted(
    name="third-failure-is-final",
    about="gives an endpoint up for good at its third failure",
    make=with_policy(_Unforgiving),
    caught_by="time_to_serve_again_s",
    also=frozenset({"time_to_recover_s", "time_to_full_return_s"}),
    why="what was given up gets no traffic back",
    seen_in="no-legal-alternative",
)
