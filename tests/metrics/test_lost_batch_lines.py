"""Lines of batches that are in no file, or in two: pass, fail and unknown, on literal histories."""

from pathlib import Path

import pytest

from brownout.verdict import Promise
from tests.histories import ACME, Story, ask, attempt, lost

LINE, BATCH = 900, "batch-1"


def _judged(folder: Path, *filed: int, batch: str = BATCH) -> Promise:
    """Return what becomes of the promise, where lines of a batch are so often in its files."""
    story = Story(folder, "lost_batch_lines <= 0")
    for place, times in enumerate(filed):
        number = LINE + place
        made = ask if times else lost
        story.client.append(made(number, 5.0, stream=False, first_token_s=None, batch=batch, filed=times))
        story.provider.append(attempt(number, 5.1))
    return story.verdict()


def test_each_line_once_is_as_promised(tmp_path: Path) -> None:
    """Requests that were in no batch are in no file either, and lost to nobody."""
    promise = _judged(tmp_path, 1, 1, 1)
    assert ("pass", 0.0, 3) == (promise.outcome, promise.observed, promise.samples)


@pytest.mark.parametrize(("times", "why"), [(0, "1 ended in no file, 0 twice"), (2, "0 ended in no file, 1 twice")])
def test_a_line_in_no_file_or_in_two_is_lost(times: int, why: str, tmp_path: Path) -> None:
    """One is one too many, and it is named."""
    promise = _judged(tmp_path, 1, times)
    assert ("fail", 1.0, [f"{ACME}-{LINE + 1}"]) == (promise.outcome, promise.observed, promise.witnesses)
    assert why in promise.why


@pytest.mark.parametrize("batch", ["", BATCH])
def test_without_a_batch_that_was_taken_nothing_is_known(batch: str, tmp_path: Path) -> None:
    """Neither where there was none, nor where none was taken, whose lines are refused as requests are."""
    filed = (1,) if not batch else ()
    assert "unknown" == _judged(tmp_path, *filed, batch="").outcome
