"""It went well in the end."""

from fixtures.router.tally import Tally
from suites.selftest.planted.base import Planted, with_tally


class _Silent(Tally):
    def failover(self) -> None:
        pass


COUNTS_NO_FAILOVERS = Planted(
    name="counts-no-failovers",
    about="tells of no failover, ever",
    make=with_tally(_Silent),
    caught_by="telemetry_failovers_error_ratio",
    seen_in="told-of-an-outage",
)
