"""Routers with one defect each, in several strengths. They tell how small a defect the suites still see."""

from suites.selftest.graded.base import Graded
from suites.selftest.graded.retries_without_end import RETRIES_WITHOUT_END
from suites.selftest.graded.slow_to_fail_over import SLOW_TO_FAIL_OVER
from suites.selftest.graded.truncates_some import TRUNCATES_SOME

GRADED: dict[str, Graded] = {one.name: one for one in (RETRIES_WITHOUT_END, SLOW_TO_FAIL_OVER, TRUNCATES_SOME)}
