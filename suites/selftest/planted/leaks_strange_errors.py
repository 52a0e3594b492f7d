"""A table of errors, and what is not in it goes through."""

from brownout.wire import Refusal
from suites.selftest.planted.base import Planted, with_router
from suites.selftest.planted.raw_errors import LastSaid


class _Leaky(LastSaid):
    def told(self, refusal: Refusal) -> Refusal:
        return refusal if refusal.kind == "unknown" else super().told(refusal)


LEAKS_STRANGE_ERRORS = Planted(
    name="leaks-strange-errors",
    about="has its own words for all errors that it knows, and passes on the others as they come",
    make=with_router(_Leaky),
    caught_by="illegible_errors",
    seen_in="unknown-errors",
)
