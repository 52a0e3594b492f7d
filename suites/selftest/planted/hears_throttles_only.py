"""Retry-After is for quotas."""

from brownout.wire import RefusalKind
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _HalfDeaf(Policy):
    def heeded_s(self, kind: RefusalKind, told_s: float) -> float | None:
        return super().heeded_s(kind, told_s) if kind == "throttled" else None


HEARS_THROTTLES_ONLY = Planted(
    name="hears-throttles-only",
    about="heeds a Retry-After on a 429, and passes over it on a 503",
    make=with_policy(_HalfDeaf),
    caught_by="early_retry_ratio",
    seen_in="told-to-stay-away-by-503",
)
