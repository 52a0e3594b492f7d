"""The beginning of one answer and the whole of another."""

from brownout.wire import Refusal
from fixtures.router.server import Router
from suites.selftest.planted.base import Planted, with_router


class _Glue(Router):
    def begins_again(self, refusal: Refusal) -> bool:
        return refusal.kind != "invalid"


GLUES_ANSWERS = Planted(
    name="glues-answers",
    about="retries after tokens have gone out, so that a client gets two answers joined as one",
    make=with_router(_Glue),
    caught_by="garbled_as_success",
    seen_in="stream-is-not-begun-again",
    also=frozenset({"retried_streams"}),
    why="what it joins to the first answer it has asked for when that had broken",
)
