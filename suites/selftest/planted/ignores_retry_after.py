"""Told when to come back, and not listening."""

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _Deaf(Policy):
    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        super().failed(now_s, endpoint, Refusal(refusal.kind, refusal.message, status=refusal.status))


IGNORES_RETRY_AFTER = Planted(
    name="ignores-retry-after",
    about="takes a throttled endpoint for a failed one and probes it on its own schedule",
    make=with_policy(_Deaf),
    caught_by="early_retry_ratio",
    seen_in="told-to-stay-away-by-503",
)
