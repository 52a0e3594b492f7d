"""Retry-After is for quotas."""

from brownout.wire import Refusal
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _HalfDeaf(Policy):
    def failed(self, now_s: float, endpoint: str, refusal: Refusal) -> None:
        heard = refusal.kind == "throttled"
        quiet = Refusal(refusal.kind, refusal.message, status=refusal.status)
        super().failed(now_s, endpoint, refusal if heard else quiet)


HEARS_THROTTLES_ONLY = Planted(
    name="hears-throttles-only",
    about="heeds a Retry-After on a 429, and passes over it on a 503",
    make=with_policy(_HalfDeaf),
    caught_by="early_retry_ratio",
    seen_in="told-to-stay-away-by-503",
)
