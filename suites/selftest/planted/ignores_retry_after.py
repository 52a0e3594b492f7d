"""Told when to come back, and not listening."""

from brownout.wire import RefusalKind
from fixtures.router.policy import Policy
from suites.selftest.planted.base import Planted, with_policy


class _Deaf(Policy):
    def heeded_s(self, kind: RefusalKind, told_s: float) -> None:
        del kind, told_s


IGNORES_RETRY_AFTER = Planted(
    name="ignores-retry-after",
    about="takes a throttled endpoint for a failed one and probes it on its own schedule",
    make=with_policy(_Deaf),
    caught_by="early_retry_ratio",
    seen_in="told-to-stay-away-by-503",
)
