"""Full, and says that it is broken."""

from brownout.wire import Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Broken(Router):
    def told(self, refusal: Refusal) -> Refusal:
        return Refusal("internal", "internal error") if refusal.kind == "overloaded" else super().told(refusal)


REFUSES_WITH_500 = Planted(
    name="refuses-with-500",
    about="answers 500 without a Retry-After when all endpoints are full",
    make=with_router(_Broken),
    caught_by="clean_refusal_ratio",
    seen_in="overload-sheds-background",
)
