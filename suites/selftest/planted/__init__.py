"""Routers with one defect each, and a fault plane with one. A harness that they do not turn red is not a harness.

Adding one is a file with a `Planted` and a line here.
"""

from suites.selftest.planted.abandons_provisioned import ABANDONS_PROVISIONED
from suites.selftest.planted.answers_from_the_shadow import ANSWERS_FROM_THE_SHADOW
from suites.selftest.planted.asks_around_first import ASKS_AROUND_FIRST
from suites.selftest.planted.asks_the_dead_first import ASKS_THE_DEAD_FIRST
from suites.selftest.planted.background_on_provisioned import BACKGROUND_ON_PROVISIONED
from suites.selftest.planted.base import Planted
from suites.selftest.planted.blames_the_endpoint import BLAMES_THE_ENDPOINT
from suites.selftest.planted.breaker_never_closes import BREAKER_NEVER_CLOSES
from suites.selftest.planted.breaker_reopens_at_once import BREAKER_REOPENS_AT_ONCE
from suites.selftest.planted.buffers_streams import BUFFERS_STREAMS
from suites.selftest.planted.chokes_on_labels import CHOKES_ON_LABELS
from suites.selftest.planted.coin_is_off import COIN_IS_OFF
from suites.selftest.planted.counts_attempts import COUNTS_ATTEMPTS
from suites.selftest.planted.counts_broken_as_ok import COUNTS_BROKEN_AS_OK
from suites.selftest.planted.counts_by_the_route import COUNTS_BY_THE_ROUTE
from suites.selftest.planted.counts_no_failovers import COUNTS_NO_FAILOVERS
from suites.selftest.planted.crosses_boundary import CROSSES_BOUNDARY
from suites.selftest.planted.deaf_to_relapse import DEAF_TO_RELAPSE
from suites.selftest.planted.detects_late import DETECTS_LATE
from suites.selftest.planted.drops_good_credentials import DROPS_GOOD_CREDENTIALS
from suites.selftest.planted.drops_uncounted_tail import DROPS_UNCOUNTED_TAIL
from suites.selftest.planted.empty_success import EMPTY_SUCCESS
from suites.selftest.planted.error_as_text import ERROR_AS_TEXT
from suites.selftest.planted.fails_over_slowly import FAILS_OVER_SLOWLY
from suites.selftest.planted.floods_the_healed import FLOODS_THE_HEALED
from suites.selftest.planted.forgets_batch_errors import FORGETS_BATCH_ERRORS
from suites.selftest.planted.forgets_streamed_tokens import FORGETS_STREAMED_TOKENS
from suites.selftest.planted.forgets_terminators import FORGETS_TERMINATORS
from suites.selftest.planted.glues_answers import GLUES_ANSWERS
from suites.selftest.planted.half_open_to_all import HALF_OPEN_TO_ALL
from suites.selftest.planted.hears_throttles_only import HEARS_THROTTLES_ONLY
from suites.selftest.planted.hidden_retries import HIDDEN_RETRIES
from suites.selftest.planted.ignores_retry_after import IGNORES_RETRY_AFTER
from suites.selftest.planted.keeps_a_secret import KEEPS_A_SECRET
from suites.selftest.planted.leaks_strange_errors import LEAKS_STRANGE_ERRORS
from suites.selftest.planted.leaves_on_errors_alone import LEAVES_ON_ERRORS_ALONE
from suites.selftest.planted.leaves_the_region import LEAVES_THE_REGION
from suites.selftest.planted.looks_at_the_median import LOOKS_AT_THE_MEDIAN
from suites.selftest.planted.masks_rejections import MASKS_REJECTIONS
from suites.selftest.planted.mixes_answers import MIXES_ANSWERS
from suites.selftest.planted.never_serves_again import NEVER_SERVES_AGAIN
from suites.selftest.planted.no_failover import NO_FAILOVER
from suites.selftest.planted.no_first_token_timeout import NO_FIRST_TOKEN_TIMEOUT
from suites.selftest.planted.no_spillover import NO_SPILLOVER
from suites.selftest.planted.no_third_choice import NO_THIRD_CHOICE
from suites.selftest.planted.on_demand_first import ON_DEMAND_FIRST
from suites.selftest.planted.one_tenant_takes_all import ONE_TENANT_TAKES_ALL
from suites.selftest.planted.politely_ends import GARBAGE_IS_THE_END, SWALLOWS_LATE_ERRORS
from suites.selftest.planted.probes_in_a_flood import PROBES_IN_A_FLOOD
from suites.selftest.planted.queues_without_bound import QUEUES_WITHOUT_BOUND
from suites.selftest.planted.ramps_in_one_step import RAMPS_IN_ONE_STEP
from suites.selftest.planted.raw_errors import RAW_ERRORS
from suites.selftest.planted.refuses_with_500 import REFUSES_WITH_500
from suites.selftest.planted.remembers_flags import REMEMBERS_FLAGS
from suites.selftest.planted.renews_every_time import RENEWS_EVERY_TIME
from suites.selftest.planted.renews_for_each import RENEWS_FOR_EACH
from suites.selftest.planted.renews_when_refused import RENEWS_WHEN_REFUSED
from suites.selftest.planted.restarts_streams import RESTARTS_STREAMS
from suites.selftest.planted.resumes_with_overlap import RESUMES_WITH_OVERLAP
from suites.selftest.planted.retries_in_step import RETRIES_IN_STEP
from suites.selftest.planted.retries_rejections import RETRIES_REJECTIONS
from suites.selftest.planted.shadows_abroad import SHADOWS_ABROAD
from suites.selftest.planted.shadows_nothing import SHADOWS_NOTHING
from suites.selftest.planted.sheds_alike import SHEDS_ALIKE
from suites.selftest.planted.silent_eof import SILENT_EOF
from suites.selftest.planted.slow_refusals import SLOW_REFUSALS
from suites.selftest.planted.stays_at_half import STAYS_AT_HALF
from suites.selftest.planted.stays_in_its_cloud import STAYS_IN_ITS_CLOUD
from suites.selftest.planted.strange_is_empty import STRANGE_IS_EMPTY
from suites.selftest.planted.third_failure_is_final import THIRD_FAILURE_IS_FINAL
from suites.selftest.planted.truncation_as_success import TRUNCATION_AS_SUCCESS
from suites.selftest.planted.trusts_its_clock import TRUSTS_ITS_CLOCK
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
        BLAMES_THE_ENDPOINT,
        DEAF_TO_RELAPSE,
        FLOODS_THE_HEALED,
        HALF_OPEN_TO_ALL,
        LEAVES_ON_ERRORS_ALONE,
        LEAVES_THE_REGION,
        LOOKS_AT_THE_MEDIAN,
        PROBES_IN_A_FLOOD,
        RAMPS_IN_ONE_STEP,
        STAYS_AT_HALF,
        ERROR_AS_TEXT,
        HEARS_THROTTLES_ONLY,
        HIDDEN_RETRIES,
        LEAKS_STRANGE_ERRORS,
        MASKS_REJECTIONS,
        RAW_ERRORS,
        RESTARTS_STREAMS,
        RETRIES_IN_STEP,
        RETRIES_REJECTIONS,
        STRANGE_IS_EMPTY,
        ASKS_AROUND_FIRST,
        ASKS_THE_DEAD_FIRST,
        CHOKES_ON_LABELS,
        DETECTS_LATE,
        DROPS_UNCOUNTED_TAIL,
        FAILS_OVER_SLOWLY,
        FORGETS_TERMINATORS,
        NO_THIRD_CHOICE,
        GARBAGE_IS_THE_END,
        SWALLOWS_LATE_ERRORS,
        RESUMES_WITH_OVERLAP,
        STAYS_IN_ITS_CLOUD,
        THIRD_FAILURE_IS_FINAL,
        RENEWS_WHEN_REFUSED,
        RENEWS_EVERY_TIME,
        DROPS_GOOD_CREDENTIALS,
        RENEWS_FOR_EACH,
        TRUSTS_ITS_CLOCK,
        KEEPS_A_SECRET,
        ANSWERS_FROM_THE_SHADOW,
        COIN_IS_OFF,
        COUNTS_ATTEMPTS,
        COUNTS_BROKEN_AS_OK,
        COUNTS_BY_THE_ROUTE,
        COUNTS_NO_FAILOVERS,
        FORGETS_STREAMED_TOKENS,
        FORGETS_BATCH_ERRORS,
        REMEMBERS_FLAGS,
        SHADOWS_ABROAD,
        SHADOWS_NOTHING,
        UNDO_THAT_DOES_NOT,
        ABANDONS_PROVISIONED,
        BACKGROUND_ON_PROVISIONED,
        NO_SPILLOVER,
        ON_DEMAND_FIRST,
        ONE_TENANT_TAKES_ALL,
        QUEUES_WITHOUT_BOUND,
        REFUSES_WITH_500,
        SHEDS_ALIKE,
    )
}
