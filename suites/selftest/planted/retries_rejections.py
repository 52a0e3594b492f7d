"""Perhaps somebody else's model reads more."""

from brownout.wire import Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Hopeful(Router):
    def doubts(self, refusal: Refusal) -> bool:
        del refusal
        return True


RETRIES_REJECTIONS = Planted(
    name="retries-rejections",
    about="asks other endpoints what one has rejected for what it says",
    make=with_router(_Hopeful),
    caught_by="nonretryable_retries",
    seen_in="invalid-requests",
)
