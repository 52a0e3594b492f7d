"""Stop conditions: what is written is what is meant, and they are met exactly when the evidence says so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.errors import BadInput
from brownout.evidence import ClientRecord, FaultRecord, ProviderRecord
from brownout.metrics import METRICS
from brownout.plan import TestPlan
from brownout.slo import OPS
from brownout.stopping import SHARE_SAMPLES_MIN, Sentry, parse_stop
from brownout.topology import Endpoint, Tenant, Topology
from brownout.workload import Workload

UNITS = {"ratio": "", "s": "s", "count": "", "x": "x", "rps": "rps"}
NOW_KNOWN = sorted(name for name, metric in METRICS.items() if not metric.in_hindsight)
BOUNDS = st.floats(0, 1000).map(lambda value: round(value, 6))
FILTERS = st.dictionaries(
    st.sampled_from(["class", "tenant", "stream"]),
    st.sampled_from(["interactive", "acme", "true", "for 5s"]),
    max_size=3,
)
TOPOLOGY = Topology(
    topology="two",
    endpoints=[
        Endpoint(name=name, cloud="c", provider="p", region=name, capacity="gpu", dialect="openai-chat", model="m")
        for name in ("near", "far")
    ],
    tenants={"acme": Tenant(allow=["near"]), "europa": Tenant(allow=["far"])},
)


def plan_with(*texts: str) -> TestPlan:
    """Return a test with these stop conditions."""
    return TestPlan(
        test="t",
        suite="s",
        why="",
        workload=Workload(),
        injections=[],
        promises={},
        recover_within_s=5.0,
        abort_if=list(texts),
    )


def client(number: int, end_s: float, *, ok: bool = True, tenant: str = "acme") -> ClientRecord:
    """Return a request that ended then."""
    return ClientRecord(
        test="t",
        canary=f"{tenant}-{number}",
        tenant=tenant,
        traffic_class="interactive",
        stream=True,
        due_s=max(end_s - 0.5, 0.0),
        sent_s=max(end_s - 0.5, 0.0),
        end_s=end_s,
        outcome="ok" if ok else "refused",
    )


def attempt(number: int, arrived_s: float, *, endpoint: str = "near", tenant: str = "acme") -> ProviderRecord:
    """Return an attempt that arrived then."""
    return ProviderRecord(
        test="t",
        endpoint=endpoint,
        arrived_s=arrived_s,
        end_s=arrived_s + 0.2,
        outcome="ok",
        canary=f"{tenant}-{number}",
        tenant=tenant,
    )


def sentry_told(plan: TestPlan, *records: object, start_s: float = 0.0) -> Sentry:
    """Return a sentry that has seen all this."""
    sentry = Sentry(plan, TOPOLOGY)
    sentry.begin(start_s)
    sentry.note(list(records))  # type: ignore[arg-type]
    return sentry


@given(
    metric=st.sampled_from(NOW_KNOWN),
    filters=FILTERS,
    op=st.sampled_from(sorted(OPS)),
    bound=BOUNDS,
    for_s=st.none() | st.floats(0.001, 10_000).map(lambda value: round(value, 3)),
    space=st.sampled_from([" ", "  ", "\n"]),
)
def test_a_condition_reads_back_as_what_was_written(
    metric: str, filters: dict[str, str], op: str, bound: float, for_s: float | None, space: str
) -> None:
    """Metric, filters, op, bound and duration come back, whatever the spacing."""
    inside = ",".join(f"{key}={value}" for key, value in filters.items())
    text = f"{metric}{f'[{inside}]' if inside else ''}{space}{op}{space}{bound:f}{UNITS[METRICS[metric].unit]}"
    text += "" if for_s is None else f"{space}for{space}{for_s:f}s"

    read = parse_stop(text)

    assert (metric, filters, op, bound, for_s) == (
        read.slo.metric,
        read.slo.filters,
        read.slo.op,
        read.slo.bound,
        read.for_s,
    )
    again = parse_stop(read.text)
    assert (read.slo.bound, read.slo.filters, read.for_s) == (again.slo.bound, again.slo.filters, again.for_s)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("for 5s", "cannot read"),
        ("availabilty < 50%", "Did you mean 'availability'"),
        ("availability < 50% for 5", "'for' takes a duration above 0"),
        ("availability < 50% for 0s", "'for' takes a duration above 0"),
        ("availability < 50% for soon", "'for' takes a duration above 0"),
        ("availability < 50% for infs", "'for' takes a duration above 0"),
        ("availability during region-down < 50%", "leave out during region-down"),
        ("time_to_recover_s > 10s", "known only when the test is over"),
        ("target_exits > 0 for 5s", "known only when the test is over"),
        ("ttft_p99_s > 4%", "give s or ms"),
    ],
)
def test_what_cannot_be_a_condition_is_refused_with_a_reason(text: str, said: str) -> None:
    """Bad input says what is wrong, and where."""
    with pytest.raises(BadInput) as caught:
        parse_stop(text, where="day.yaml:7")

    assert str(caught.value).startswith("day.yaml:7: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(("text", "for_s"), [("5s", 5.0), ("500ms", 0.5), ("2min", 120.0), ("1.5 s", None)])
def test_durations_are_read_in_their_units(text: str, for_s: float | None) -> None:
    """Milliseconds, seconds and minutes; a number without its unit beside it is none."""
    if for_s is None:
        with pytest.raises(BadInput):
            parse_stop(f"availability < 50% for {text}")
    else:
        assert for_s == parse_stop(f"availability < 50% for {text}").for_s


@given(
    records=st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.sampled_from(["acme", "europa"])), max_size=60),
    now=st.integers(0, 400),
    for_tenths=st.none() | st.integers(1, 200),
    tenant=st.sampled_from(["", "acme"]),
    percent=st.integers(0, 100),
)
def test_availability_is_watched_over_what_ended_in_the_window(
    records: list[tuple[int, bool, str]], now: int, for_tenths: int | None, tenant: str, percent: int
) -> None:
    """The same as counting by hand: those that ended in the window, ten at least, once it has gone on for so long."""
    now_s, for_s = now / 10, None if for_tenths is None else for_tenths / 10
    seen = [
        client(number, end / 10, ok=ok, tenant=who)
        for number, (end, ok, who) in enumerate(records)
        if end / 10 <= now_s
    ]
    text = f"availability{f'[tenant={tenant}]' if tenant else ''} < {percent}%"
    sentry = sentry_told(plan_with(text if for_s is None else f"{text} for {for_s:g}s"), *seen)

    since_s = -math.inf if for_s is None else now_s - for_s
    counted = [one for one in seen if one.end_s > since_s and tenant in ("", one.tenant)]
    ok = sum(one.outcome == "ok" for one in counted)
    long_enough = for_s is None or since_s >= 0
    expected = long_enough and len(counted) >= SHARE_SAMPLES_MIN and ok / len(counted) < percent / 100
    assert expected == (sentry.look(now_s) is not None)


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["near", "far"])), min_size=1, max_size=40),
    now=st.integers(0, 300),
    for_tenths=st.integers(1, 100),
    bound=st.integers(0, 5),
)
def test_attempts_are_watched_by_when_they_arrived(
    arrivals: list[tuple[int, str]], now: int, for_tenths: int, bound: int
) -> None:
    """Boundary violations of the window are counted one by one, and one may be enough."""
    now_s, for_s = now / 10, for_tenths / 10
    seen = [attempt(number, at / 10, endpoint=where) for number, (at, where) in enumerate(arrivals) if at <= now]
    sentry = sentry_told(plan_with(f"boundary_violations > {bound} for {for_s:g}s"), *seen)

    crossed = sum(one.endpoint == "far" and one.arrived_s > now_s - for_s for one in seen)
    assert (now_s >= for_s and crossed > bound) == (sentry.look(now_s) is not None)


def test_too_few_samples_are_no_reason_to_stop() -> None:
    """The first requests of a run may all fail; nobody is stopped by an anecdote, and everybody by ten."""
    lost = [client(number, 1.0 + number / 10, ok=False) for number in range(SHARE_SAMPLES_MIN)]

    assert sentry_told(plan_with("availability < 50%"), *lost[:-1]).look(3.0) is None
    assert sentry_told(plan_with("availability < 50%"), *lost).look(3.0) is not None


def test_other_tests_are_none_of_its_business() -> None:
    """Records of another test of the same run stop nothing."""
    lost = [client(number, 1.0, ok=False) for number in range(50)]
    for one in lost:
        one.test = "another"

    assert sentry_told(plan_with("availability < 50%"), *lost).look(3.0) is None


def test_a_fault_that_calls_the_run_off_stops_it_without_any_condition() -> None:
    """A real experiment's own stop condition ends the run, and its reason is said."""
    record = FaultRecord(
        test="t",
        injection="f-1",
        fault="aws-fis",
        at="us-east-1",
        endpoints=[],
        event="called-off",
        at_s=1,
        why="alarm",
    )

    met = sentry_told(plan_with(), record).look(2.0)

    assert met is not None
    assert met.said == "called off by aws-fis at us-east-1: alarm"
