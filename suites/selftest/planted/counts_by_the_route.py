"""The label is the route's, and the route is named after its first provider."""

from fixtures.router.tally import Tally
from suites.selftest.planted.base import Planted, with_tally


class _ByRoute(Tally):
    _first = ""

    def attempt(self, endpoint: str, kind: str) -> None:
        self._first = self._first or endpoint
        super().attempt(self._first, kind)


COUNTS_BY_THE_ROUTE = Planted(
    name="counts-by-the-route",
    about="counts every attempt under the provider that it asked first of all",
    make=with_tally(_ByRoute),
    caught_by="telemetry_attempts_error_ratio",
    seen_in="told-of-an-outage",
)
