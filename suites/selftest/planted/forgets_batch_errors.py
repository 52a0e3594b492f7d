"""Only what has come of a batch is written down."""

from typing import Any

from fixtures.router.batch_job import BatchJob
from suites.selftest.planted.base import Planted, with_batches


class _ForgetsErrors(BatchJob):
    def file(self, into: list[dict[str, Any]], line: dict[str, Any]) -> None:
        if into is not self._error:
            super().file(into, line)


FORGETS_BATCH_ERRORS = Planted(
    name="forgets-batch-errors",
    about="leaves the lines of a batch that nobody could serve out of its files",
    make=with_batches(_ForgetsErrors),
    caught_by="lost_batch_lines",
    seen_in="batches-are-accounted-for",
)
