"""The stream had begun with a 200, so it was a success."""

from fixtures.router.tally import Tally
from suites.selftest.planted.base import Planted, with_tally


class _ByStatus(Tally):
    def broken(self, kind: str) -> None:
        del kind
        self.request("ok")


COUNTS_BROKEN_AS_OK = Planted(
    name="counts-broken-as-ok",
    about="counts a stream that broke off as a success, because it had begun with a 200",
    make=with_tally(_ByStatus),
    caught_by="telemetry_errors_error_ratio",
    seen_in="told-of-cut-streams",
)
