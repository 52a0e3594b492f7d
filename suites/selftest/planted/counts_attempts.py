"""A request is a request."""

from fixtures.router.tally import Tally
from suites.selftest.planted.base import Planted, with_tally


class _ByAttempt(Tally):
    def failover(self) -> None:
        super().failover()
        self.request("ok", "tried-again")


COUNTS_ATTEMPTS = Planted(
    name="counts-attempts",
    about="counts a request once more each time that it is tried again",
    make=with_tally(_ByAttempt),
    caught_by="telemetry_requests_error_ratio",
    seen_in="told-of-an-outage",
)
