"""Usage comes with the reply, and a stream's comes last."""

from fixtures.router.tally import Tally
from suites.selftest.planted.base import Planted, with_tally


class _WholeOnly(Tally):
    def tokens(self, endpoint: str, count: int, *, streamed: bool) -> None:
        super().tokens(endpoint, 0 if streamed else count, streamed=streamed)


FORGETS_STREAMED_TOKENS = Planted(
    name="forgets-streamed-tokens",
    about="counts the tokens of whole answers, and none of a stream's",
    make=with_tally(_WholeOnly),
    caught_by="telemetry_tokens_error_ratio",
    seen_in="told-of-an-outage",
)
