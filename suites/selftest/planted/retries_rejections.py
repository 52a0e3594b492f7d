"""Perhaps somebody else's model reads more."""

from brownout.wire import Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Hopeful(Router):
    def may_go_on(self, refusal: Refusal, *, begun: bool) -> bool:
        del refusal
        return not begun


RETRIES_REJECTIONS = Planted(
    name="retries-rejections",
    about="asks other endpoints what one has rejected for what it says",
    make=with_router(_Hopeful),
    caught_by="nonretryable_retries",
    seen_in="invalid-requests",
)
