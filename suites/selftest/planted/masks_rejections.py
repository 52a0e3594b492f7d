"""Internal server error."""

from brownout.wire import Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Masked(Router):
    def told(self, refusal: Refusal) -> Refusal:
        return Refusal("internal", "Something went wrong.", retry_after_s=refusal.retry_after_s)


MASKS_REJECTIONS = Planted(
    name="masks-rejections",
    about="answers 500 for every error, the client's own included",
    make=with_router(_Masked),
    caught_by="rejections_masked",
    also=frozenset({"clean_refusal_ratio"}),
    why="a refusal for want of capacity is a 500 like any other",
    seen_in="invalid-requests",
)
