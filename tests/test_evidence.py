"""Evidence is written a whole line at a time, to the microsecond, and read back as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.evidence import ClientRecord, FaultRecord, Journal, PhaseRecord, read_records, rounded
from tests.histories import ask

MARKS = st.builds(PhaseRecord, test=st.text(), phase=st.text(), at_s=st.floats(0, 1e6), why=st.text())


def written(path: Path, records: list[PhaseRecord]) -> bytes:
    """Write the records, and return the file's bytes."""
    journal = Journal(path)
    for record in records:
        journal.write(record)
    journal.close()
    return path.read_bytes()


@given(st.lists(MARKS, max_size=6))
@settings(deadline=None)
def test_what_is_written_is_read(records: list[PhaseRecord]) -> None:
    """Whatever the text, a record is one line, and comes back with its floats at a microsecond."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "phases.jsonl"
        data = written(path, records)
        assert len(records) == data.count(b"\n")
        assert [rounded(record) for record in records] == read_records(path, PhaseRecord)


@given(st.lists(MARKS, min_size=1, max_size=4), st.integers(1, 10_000))
@settings(deadline=None)
def test_a_cut_last_line_is_left_out(records: list[PhaseRecord], cut: int) -> None:
    """Wherever a kill cuts the last line, those before it are read, and it is not half read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "phases.jsonl"
        data = written(path, records)
        last = len(data) - data[:-1].rfind(b"\n") - 1
        path.write_bytes(data[: len(data) - 1 - cut % (last - 1) - 1])
        assert [rounded(record) for record in records[:-1]] == read_records(path, PhaseRecord)


def test_a_last_line_without_its_end_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """Only the newline is missing: nothing was lost."""
    path = tmp_path / "phases.jsonl"
    record = PhaseRecord(test="t", phase="done", at_s=1.0)
    path.write_bytes(written(path, [record, record])[:-1])
    assert [record, record] == read_records(path, PhaseRecord)


@pytest.mark.parametrize("line", [b'{"test":"t","ph\n', b"{}\n", b'{"test":1,"phase":"x","at_s":0}\n', b"\xff\n"])
def test_any_other_broken_line_is_an_error(tmp_path: Path, line: bytes) -> None:
    """Evidence that was tampered with is not passed over in silence."""
    path = tmp_path / "phases.jsonl"
    data = written(path, [PhaseRecord(test="t", phase="done", at_s=1.0)])
    path.write_bytes(line + data)
    with pytest.raises(msgspec.DecodeError):
        read_records(path, PhaseRecord)


def test_no_file_is_no_records(tmp_path: Path) -> None:
    """An absent layer is none; what that means is the judge's business."""
    assert [] == read_records(tmp_path / "client.jsonl", ClientRecord)
    (tmp_path / "client.jsonl").touch()
    assert [] == read_records(tmp_path / "client.jsonl", ClientRecord)


def test_several_journals_share_a_file(tmp_path: Path) -> None:
    """Processes of one run append to one file; each line stays whole."""
    path = tmp_path / "faults.jsonl"
    journals = [Journal(path) for _ in range(3)]
    records = [
        FaultRecord(test="t", injection=f"i{n}", fault="f", at="all", endpoints=["e"] * n, event="on", at_s=float(n))
        for n in range(9)
    ]
    for number, record in enumerate(records):
        journals[number % 3].write(record)
        assert records[: number + 1] == read_records(path, FaultRecord)
    for journal in journals:
        journal.close()


def test_floats_are_rounded_to_the_microsecond(tmp_path: Path) -> None:
    """Finer is noise; what is no float is left as it is."""
    path = tmp_path / "phases.jsonl"
    data = written(path, [PhaseRecord(test="t", phase="done", at_s=0.1 + 0.2 + 4e-7, why="0.3000004")])
    assert b'{"test":"t","phase":"done","at_s":0.3,"why":"0.3000004"}\n' == data


@given(st.integers(0, 10**9), st.integers(0, 10**7))
def test_waits_are_as_fine_as_the_instants(due_us: int, wait_us: int) -> None:
    """The wait between two instants of the file is exact, to the microsecond."""
    due_s, then_s = due_us / 1e6, (due_us + wait_us) / 1e6
    record = ask(1, due_s, first_token_s=then_s, end_s=then_s)
    assert (wait_us / 1e6, wait_us / 1e6) == (record.ttft_s, record.e2e_s)
    assert ask(1, due_s, first_token_s=None).ttft_s is None
