"""Routers with one defect each, and a fault plane with one. A harness that they do not turn red is not a harness.

Adding one is a file with a `Planted` and a line here.
"""

from suites.selftest.planted.base import Planted
from suites.selftest.planted.breaker_never_closes import BREAKER_NEVER_CLOSES
from suites.selftest.planted.breaker_reopens_at_once import BREAKER_REOPENS_AT_ONCE
from suites.selftest.planted.buffers_streams import BUFFERS_STREAMS
from suites.selftest.planted.crosses_boundary import CROSSES_BOUNDARY
from suites.selftest.planted.empty_success import EMPTY_SUCCESS
from suites.selftest.planted.glues_answers import GLUES_ANSWERS
from suites.selftest.planted.ignores_retry_after import IGNORES_RETRY_AFTER
from suites.selftest.planted.mixes_answers import MIXES_ANSWERS
from suites.selftest.planted.never_serves_again import NEVER_SERVES_AGAIN
from suites.selftest.planted.no_failover import NO_FAILOVER
from suites.selftest.planted.no_first_token_timeout import NO_FIRST_TOKEN_TIMEOUT
from suites.selftest.planted.silent_eof import SILENT_EOF
from suites.selftest.planted.slow_refusals import SLOW_REFUSALS
from suites.selftest.planted.truncation_as_success import TRUNCATION_AS_SUCCESS
from suites.selftest.planted.unbudgeted_retries import UNBUDGETED_RETRIES
from suites.selftest.planted.undo_that_does_not import UNDO_THAT_DOES_NOT

PLANTED: dict[str, Planted] = {
    planted.name: planted
    for planted in (
        NO_FAILOVER,
        UNBUDGETED_RETRIES,
        NO_FIRST_TOKEN_TIMEOUT,
        TRUNCATION_AS_SUCCESS,
        GLUES_ANSWERS,
        EMPTY_SUCCESS,
        BREAKER_NEVER_CLOSES,
        BREAKER_REOPENS_AT_ONCE,
        IGNORES_RETRY_AFTER,
        CROSSES_BOUNDARY,
        SILENT_EOF,
        SLOW_REFUSALS,
        BUFFERS_STREAMS,
        MIXES_ANSWERS,
        NEVER_SERVES_AGAIN,
        UNDO_THAT_DOES_NOT,
    )
}
