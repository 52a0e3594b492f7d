"""Arrival processes keep what they promise: open-loop due times that one seed makes once and for all."""

import csv
import datetime as dt
import hashlib
import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.errors import BadInput
from brownout.workload import COMMON_QUESTIONS, Arrival, Workload
from loadgen.arrivals import MAX_OUTPUT_TOKENS, MAX_PROMPT_TOKENS, due_requests

TENANTS = ["acme", "globex", "initech"]
DATA = Path(__file__).parents[3] / "shared" / "data"
TRACES = ["azure-llm-2023-code.csv", "azure-llm-2023-conv.csv"]
SEEDS = st.integers(0, 2**32)
RATES = st.floats(0.5, 200)
DURATIONS = st.floats(0, 20)
HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def workload(process: str = "poisson", *, duration_s: float = 10.0, **arrival: object) -> Workload:
    """Return a workload with that arrival process."""
    return Workload(arrival=msgspec.convert({"process": process, **arrival}, Arrival), duration_s=duration_s)


def trace_file(tmp_path: Path, rows: str) -> str:
    """Write a trace and return its path."""
    path = tmp_path / "trace.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return str(path)


@given(process=st.sampled_from(["constant", "poisson"]), seed=SEEDS, rate_rps=RATES, duration_s=DURATIONS)
@settings(max_examples=60, deadline=None)
def test_requests_are_in_order_and_within_the_duration(
    process: str, seed: int, rate_rps: float, duration_s: float
) -> None:
    """Due times rise, start at 0 or later and end before the duration; numbers count from 0."""
    requests = due_requests(workload(process, rate_rps=rate_rps, duration_s=duration_s), seed, TENANTS)
    instants = [request.due_s for request in requests]
    assert sorted(instants) == instants
    assert all(0 <= instant < duration_s for instant in instants)
    assert list(range(len(requests))) == [request.number for request in requests]


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_one_seed_makes_one_list(seed: int) -> None:
    """The same seed gives the same requests, another seed others."""
    once = due_requests(workload(rate_rps=20), seed, TENANTS)
    assert once == due_requests(workload(rate_rps=20), seed, TENANTS)
    assert once != due_requests(workload(rate_rps=20), seed + 1, TENANTS)


@given(rate_rps=RATES, duration_s=DURATIONS)
@settings(max_examples=60, deadline=None)
def test_constant_arrivals_do_not_drift(rate_rps: float, duration_s: float) -> None:
    """The n-th constant arrival is due at exactly n / rate, and none is missing at the end."""
    requests = due_requests(workload("constant", rate_rps=rate_rps, duration_s=duration_s), 1, TENANTS)
    assert [n / rate_rps for n in range(len(requests))] == [request.due_s for request in requests]
    assert len(requests) / rate_rps >= duration_s


@given(seed=SEEDS, rate_rps=st.floats(5, 100))
@settings(max_examples=60, deadline=None)
def test_poisson_arrivals_keep_their_rate(seed: int, rate_rps: float) -> None:
    """The count is within seven standard deviations of rate times duration."""
    expected = rate_rps * 20
    count = len(due_requests(workload(rate_rps=rate_rps, duration_s=20), seed, TENANTS))
    assert abs(count - expected) < 7 * math.sqrt(expected)


@st.composite
def bursts(draw: st.DrawFn) -> list[dict[str, float]]:
    """Draw some bursts, in order and none over another, within about ten seconds."""
    made, at_s = [], 0.0
    for _ in range(draw(st.integers(0, 4))):
        at_s += draw(st.floats(0, 2))
        for_s = draw(st.floats(0.1, 2))
        made.append({"at_s": at_s, "for_s": for_s, "rate_rps": draw(st.floats(0.5, 100))})
        at_s += for_s
    return made


def expected_until(due_s: float, rate_rps: float, peaks: list[dict[str, float]]) -> float:
    """Return how many arrivals are expected until an instant: the area under the rate."""
    extra = sum((one["rate_rps"] - rate_rps) * min(max(due_s - one["at_s"], 0.0), one["for_s"]) for one in peaks)
    return rate_rps * due_s + extra


@given(peaks=bursts(), rate_rps=st.floats(0.5, 100))
@settings(max_examples=40)
def test_constant_arrivals_follow_the_rate_through_bursts(peaks: list[dict[str, float]], rate_rps: float) -> None:
    """The n-th request is due when n are expected, whatever the rates were until then."""
    due = due_requests(workload("constant", rate_rps=rate_rps, bursts=peaks), 1, TENANTS)

    assert [one.number for one in due] == pytest.approx(
        [expected_until(one.due_s, rate_rps, peaks) for one in due], abs=1e-6
    )
    assert expected_until(10.0, rate_rps, peaks) <= len(due) + 1e-6


@given(peaks=bursts(), rate_rps=st.floats(0.5, 100), seed=SEEDS, process=st.sampled_from(["constant", "poisson"]))
@settings(max_examples=40)
def test_a_burst_at_the_usual_rate_changes_nothing(
    peaks: list[dict[str, float]], rate_rps: float, seed: int, process: str
) -> None:
    """Nor does any burst change what was due before it: the draws are the same."""
    plain = [one.due_s for one in due_requests(workload(process, rate_rps=rate_rps), seed, TENANTS)]
    usual = [{**one, "rate_rps": rate_rps} for one in peaks]
    same = [one.due_s for one in due_requests(workload(process, rate_rps=rate_rps, bursts=usual), seed, TENANTS)]
    burst = [one.due_s for one in due_requests(workload(process, rate_rps=rate_rps, bursts=peaks), seed, TENANTS)]
    first_s = min((one["at_s"] for one in peaks), default=10.0)

    inside_s = 10.0 - 1e-6  # a request due in the last instant may fall to either side of it
    assert [due_s for due_s in plain if due_s < inside_s] == pytest.approx(
        [due_s for due_s in same if due_s < inside_s], abs=1e-6
    )
    assert [due_s for due_s in plain if due_s < first_s] == [due_s for due_s in burst if due_s < first_s]


@given(seed=SEEDS)
@settings(max_examples=20)
def test_poisson_arrivals_keep_the_rate_of_a_burst(seed: int) -> None:
    """Ten seconds at 200 a second among seconds at 5: within six standard deviations of 2000."""
    peak = [{"at_s": 5.0, "for_s": 10.0, "rate_rps": 200.0}]
    due = due_requests(workload(rate_rps=5, bursts=peak, duration_s=20.0), seed, TENANTS)

    assert abs(sum(5 <= one.due_s < 15 for one in due) - 2000) < 6 * math.sqrt(2000)


@pytest.mark.parametrize(
    ("peaks", "said"),
    [
        ([{"at_s": -1, "for_s": 1, "rate_rps": 1}], "bursts[0]: expected to begin at 0 s or later"),
        ([{"at_s": 1, "for_s": 0, "rate_rps": 1}], "more than 0 s"),
        ([{"at_s": 1, "for_s": 1, "rate_rps": 0}], "bursts[0].rate_rps"),
        ([{"at_s": 1, "for_s": 2, "rate_rps": 1}, {"at_s": 2, "for_s": 1, "rate_rps": 1}], "bursts[1]"),
    ],
)
def test_bursts_that_cannot_be_are_refused(peaks: list[dict[str, float]], said: str) -> None:
    """In order, none over another, each with a rate."""
    with pytest.raises(BadInput) as caught:
        due_requests(workload(bursts=peaks), 1, TENANTS)

    assert said in str(caught.value)


def test_a_trace_has_no_bursts_but_its_own() -> None:
    """It is replayed as it happened."""
    with pytest.raises(BadInput, match="a trace brings its own"):
        due_requests(workload("trace", trace="x", bursts=[{"at_s": 1, "for_s": 1, "rate_rps": 1}]), 1, TENANTS)


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_shares_are_kept(seed: int) -> None:
    """Tenants, classes and streams come in roughly the shares asked for; a tenant without a share sends nothing."""
    mix = msgspec.structs.replace(
        workload("constant", rate_rps=200),
        tenants={"globex": 3, "acme": 1},
        classes={"interactive": 9, "background": 1},
    )
    requests = due_requests(mix, seed, TENANTS)
    assert {"acme", "globex"} == {request.tenant for request in requests}
    count = len(requests)
    assert 0.75 == pytest.approx(sum(r.tenant == "globex" for r in requests) / count, abs=0.08)
    assert 0.9 == pytest.approx(sum(r.traffic_class == "interactive" for r in requests) / count, abs=0.06)
    assert 0.85 == pytest.approx(sum(r.stream for r in requests) / count, abs=0.07)
    assert all(20 <= r.prompt_tokens <= 60 and 8 <= r.output_tokens <= 16 for r in requests)


def test_without_shares_all_tenants_are_equal() -> None:
    """An empty mapping of tenants is an equal share each, so that no tenant is forgotten."""
    requests = due_requests(workload("constant", rate_rps=300), 3, TENANTS)
    for tenant in TENANTS:
        assert 1 / 3 == pytest.approx(sum(r.tenant == tenant for r in requests) / len(requests), abs=0.06)


def test_the_order_of_shares_in_the_file_changes_nothing() -> None:
    """Reordering the keys of a plan gives the same requests."""
    one, other = {"acme": 1.0, "globex": 2.0}, {"globex": 2.0, "acme": 1.0}
    lists = [due_requests(msgspec.structs.replace(workload(), tenants=mix), 5, TENANTS) for mix in (one, other)]
    assert lists[0] == lists[1]


def test_the_rate_does_not_change_whose_request_it_is() -> None:
    """The n-th request has the same owner, class and lengths at any rate."""
    slow, fast = (due_requests(workload("constant", rate_rps=rate), 5, TENANTS) for rate in (5, 10))
    assert [r.tenant for r in slow] == [r.tenant for r in fast[: len(slow)]]
    assert [r.prompt_tokens for r in slow] == [r.prompt_tokens for r in fast[: len(slow)]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tenants": {"acmee": 1.0}}, r"workload\.tenants: unknown tenant 'acmee'\. Did you mean 'acme'\?"),
        ({"tenants": {"acme": -1.0}}, r"workload\.tenants\.acme: expected a share"),
        ({"tenants": {"acme": 0.0}}, r"workload\.tenants: expected at least one share"),
        ({"stream_share": 1.5}, r"workload\.stream_share: expected a ratio"),
        ({"prompt_tokens": (9, 3)}, r"workload\.prompt_tokens: expected a range"),
        ({"duration_s": math.inf}, r"workload\.duration_s: expected"),
        ({"arrival": Arrival(rate_rps=0)}, r"workload\.arrival\.rate_rps: expected a number above 0"),
        ({"arrival": Arrival(process="trace", trace="none.csv")}, r"workload\.arrival\.trace: cannot read 'none\.csv'"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_place(changes: dict[str, object], message: str) -> None:
    """Bad workloads are bad input, and the message names the field."""
    with pytest.raises(BadInput, match=message):
        due_requests(msgspec.structs.replace(workload(), **changes), 1, TENANTS)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("2023-11-16 18:17:03.9799600,12,ten\n", 2),
        ("2023-11-16 18:17:03.9799600,12,3\n2023-11-16 18:17,12,3\n", 3),
        ("2023-13-16 18:17:03.9799600,12,3\n", 2),
        ("2023-11-16 18:17:03.9799600,12\n", 2),
        ("2023-11-16 18:17:03.9799600,-4,3\n", 2),
        ("2023-11-16 18:17:03.9,1,1\n2023-11-16 18:17:03.8,1,1\n", 3),
        ("2023-11-16 18:17:03.9,1,1\n\n", 3),
    ],
)
def test_a_malformed_trace_is_refused_with_its_line(tmp_path: Path, rows: str, line: int) -> None:
    """A trace is read strictly: the error says file, line and what was expected."""
    with pytest.raises(BadInput, match=rf"trace\.csv:{line}: expected "):
        due_requests(workload("trace", trace=trace_file(tmp_path, rows)), 1, TENANTS)


def test_a_trace_needs_its_header(tmp_path: Path) -> None:
    """Another header is another file."""
    path = tmp_path / "trace.csv"
    path.write_text("time,in,out\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"trace\.csv:1: expected the header 'TIMESTAMP,"):
        due_requests(workload("trace", trace=str(path)), 1, TENANTS)


def test_a_trace_keeps_its_gaps_and_lengths(tmp_path: Path) -> None:
    """Gaps are divided by the speed, lengths are the file's, clipped to what is sane."""
    rows = (
        "2023-11-16 23:59:59.0000000,9,9\n2023-11-16 23:59:59.9999999,10,20\r\n"
        "2023-11-17 00:00:01.5000000,99999,0\n2023-11-17 00:01:00,1,1\n"
    )
    requests = due_requests(
        workload("trace", trace=trace_file(tmp_path, rows), speed=2.0, from_row=1, duration_s=20), 1, TENANTS
    )
    assert [0.0, 0.75000005] == [request.due_s for request in requests]
    assert [(10, 20), (2048, 1)] == [(request.prompt_tokens, request.output_tokens) for request in requests]


def test_a_row_beyond_the_trace_is_refused(tmp_path: Path) -> None:
    """Starting after the end would be a load of nothing."""
    path = trace_file(tmp_path, "2023-11-16 23:59:59.0000000,9,9\n")
    with pytest.raises(BadInput, match=r"has no row 1 "):
        due_requests(workload("trace", trace=path, from_row=1), 1, TENANTS)


@pytest.mark.parametrize("name", TRACES)
def test_real_traces_replay_as_they_happened(name: str) -> None:
    """A minute of a real trace, ten times as fast, has the file's gaps and lengths."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[100:]
    times = [dt.datetime.fromisoformat(row["TIMESTAMP"]) for row in rows]
    expected = [since / 10 for time in times if (since := (time - times[0]).total_seconds()) < 60]
    requests = due_requests(workload("trace", trace=str(path), speed=10, from_row=100, duration_s=6), 1, TENANTS)
    assert expected == pytest.approx([request.due_s for request in requests], abs=1e-6)
    for row, request in zip(rows, requests, strict=False):
        assert min(int(row["ContextTokens"]), MAX_PROMPT_TOKENS) == request.prompt_tokens
        assert min(int(row["GeneratedTokens"]), MAX_OUTPUT_TOKENS) == request.output_tokens


# -- common questions


def common(share: float, *, planted: bool = True) -> Workload:
    """Return a planted workload in which so many ask a common question."""
    return msgspec.structs.replace(workload(rate_rps=20), planted=planted, common_share=share)


def test_without_common_questions_the_list_is_what_it_was_before_there_were_any() -> None:
    """Histories of one seed are equal to the byte, over versions too."""
    rows = [msgspec.structs.astuple(one)[:-1] for one in due_requests(workload(rate_rps=20), 1, TENANTS)]
    digest = "beeccecb5868a4d3c52c10afccfca2cee24eab6799ab17d50deec94eee20a979"
    assert (200, digest) == (len(rows), hashlib.sha256(msgspec.json.encode(rows)).hexdigest())


@given(seed=SEEDS, share=st.floats(0, 0.99))
@settings(max_examples=30, deadline=None)
def test_common_questions_change_nothing_else_that_is_drawn(seed: int, share: float) -> None:
    """Who asks when, and what others ask, is as without them; what is asked in common is as long whoever asks it."""
    plain, mixed = due_requests(common(0.0), seed, TENANTS), due_requests(common(share), seed, TENANTS)
    lengths: dict[int | None, set[tuple[int, int]]] = {}
    for before, one in zip(plain, mixed, strict=True):
        own = {"common": None, "prompt_tokens": before.prompt_tokens, "output_tokens": before.output_tokens}
        assert before == msgspec.structs.replace(one, **own)
        assert before == one or one.common is not None
        lengths.setdefault(one.common, set()).add((one.prompt_tokens, one.output_tokens))
    assert {1} >= {len(its) for question, its in lengths.items() if question is not None}


@given(seed=SEEDS, share=st.floats(0, 0.98))
@settings(max_examples=20, deadline=None)
def test_who_asks_in_common_still_does_when_more_do(seed: int, share: float) -> None:
    """And the same question."""
    few, many = (due_requests(common(one), seed, TENANTS) for one in (share, share + 0.01))
    assert {(one.number, one.common) for one in few if one.common is not None} <= {
        (one.number, one.common) for one in many
    }


def test_each_common_question_is_asked_by_every_tenant() -> None:
    """About as many requests as the share says ask one of a handful."""
    asked = [one for one in due_requests(common(0.5), 1, TENANTS) if one.common is not None]
    assert 80 < len(asked) < 120
    assert {(tenant, number) for tenant in TENANTS for number in range(COMMON_QUESTIONS)} == {
        (one.tenant, one.common) for one in asked
    }


def test_a_trace_has_common_questions_too(tmp_path: Path) -> None:
    """They are of their own length, and the others of the trace's."""
    trace = trace_file(tmp_path, "".join(f"2023-11-16 18:00:0{n}.0,100,100\n" for n in range(10)))
    mixed = msgspec.structs.replace(workload("trace", trace=trace), planted=True, common_share=0.5)
    requests = due_requests(mixed, 1, TENANTS)
    assert {(one.common is None, one.prompt_tokens == 100) for one in requests} == {(True, True), (False, False)}


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0, math.nan])
def test_a_share_that_cannot_be_is_refused(share: float) -> None:
    """Where all were common, nothing would be anybody's."""
    with pytest.raises(BadInput, match=r"workload\.common_share: expected a ratio from 0 to below 1"):
        due_requests(common(share), 1, TENANTS)


def test_a_load_that_is_not_planted_has_no_common_questions() -> None:
    """Answers bear no marks there."""
    with pytest.raises(BadInput, match=r"workload\.common_share: only a planted load"):
        due_requests(common(0.5, planted=False), 1, TENANTS)
