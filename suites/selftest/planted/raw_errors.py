"""Every provider's errors, as they come."""

from collections.abc import Sequence

from brownout.wire import Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class LastSaid(Router):
    """Ends a request by the last thing that an endpoint said of it."""

    def summed_up(self, said: Sequence[Refusal], last: Refusal) -> Refusal:
        """Return the last of them."""
        return said[-1] if said else last


class _Raw(LastSaid):
    def told(self, refusal: Refusal) -> Refusal:
        return refusal


RAW_ERRORS = Planted(
    name="raw-errors",
    about="passes errors on under the names that the providers gave them",
    make=with_router(_Raw),
    caught_by="throttle_shapes",
    also=frozenset({"illegible_errors"}),
    why="errors that nobody knows are passed on like all others",
    seen_in="throttles-look-alike",
)
