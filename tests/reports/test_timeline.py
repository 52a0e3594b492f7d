"""The series behind the picture."""

import msgspec
import pytest

from brownout.evidence import FaultRecord
from brownout.rundir import RunDir
from reports.timeline import Mark, Timeline, fault_windows, percentile, timelines


@pytest.fixture
def line(run: RunDir) -> Timeline:
    """Return the timeline of the test with evidence."""
    return timelines(run)["broken"]


def test_time_starts_with_the_load(line: Timeline) -> None:
    """The epoch lies a second before load; short tests are told in quarter seconds."""
    expected = (0.25, 0.0, 6.0)
    assert expected == (line.bucket_s, line.starts_s[0], line.end_s)
    busy = [2, 6, 10, 14, 18, 22]
    assert busy == [index for index, count in enumerate(line.due) if count]


def test_every_request_and_attempt_is_counted_once(line: Timeline) -> None:
    """Buckets lose nothing."""
    expected = {"ok": 5, "truncated": 1}
    assert expected == {name: sum(counts) for name, counts in line.outcomes.items()}
    expected = {"east": 2, "west": 6}
    assert expected == {name: sum(counts) for name, counts in line.attempts.items()}


def test_ttft_counts_from_when_a_request_was_due(line: Timeline) -> None:
    """The second request waited 0.2 s; where none got a token there is no figure."""
    assert line.ttft_p99_s[6] == pytest.approx(0.2)
    assert line.ttft_p50_s[14] is None


def test_an_answer_that_comes_whole_has_no_first_token(run: RunDir) -> None:
    """As in promises: it comes the later the longer it is, and would be drawn over a bound that was kept."""
    whole = [msgspec.structs.replace(record, stream=False) for record in run.client()]
    run.file("client.jsonl").write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in whole))
    line = timelines(run)["broken"]
    assert {None} == {*line.ttft_p50_s, *line.ttft_p99_s}


def test_windows_are_what_was_measured_not_what_was_planned(line: Timeline) -> None:
    """On and off come from the fault records; one that was never seen off stays open."""
    expected = [("i1", 2.0, 4.0, 2, True), ("i2", 4.0, None, 0, None)]
    assert expected == [
        (window.injection, window.on_s, window.off_s, window.fired, window.undone) for window in line.windows
    ]
    assert [Mark(6.0, "recovery due")] == line.marks


def test_an_injection_that_comes_back_has_two_windows() -> None:
    """Flapping is drawn as flapping."""
    fact = FaultRecord(test="t", injection="i", fault="f", at="", endpoints=[], event="on", at_s=1.0)
    records = [
        msgspec.structs.replace(fact, event=event, at_s=at_s)
        for event, at_s in (("on", 1.0), ("off", 2.0), ("on", 3.0), ("off", 4.0))
    ]
    expected = [(1.0, 2.0), (3.0, 4.0)]
    assert expected == [(window.on_s, window.off_s) for window in fault_windows(records, [], 0.0)]


def test_a_test_without_records_is_empty_and_as_long_as_planned(bare: RunDir) -> None:
    """No evidence is no reason to fail."""
    line = timelines(bare)["broken"]
    expected = (True, 6.0)
    assert expected == (line.is_empty, line.end_s)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2.0), (0.99, 4.0), (0.0, 1.0)])
def test_percentiles_are_values_that_were_seen(share: float, expected: float) -> None:
    """Nearest rank; none of none."""
    assert (expected, None) == (percentile([1.0, 2.0, 3.0, 4.0], share), percentile([], share))
