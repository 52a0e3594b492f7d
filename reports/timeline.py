"""A test as series over time: what clients saw, which endpoints were tried, when faults were on. Pure.

Instants are seconds since load started (the plan's ``at_s`` counts from there too), not since the test's epoch.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, get_args

from brownout.evidence import ClientOutcome, ClientRecord, FaultRecord, PhaseRecord, ProviderRecord
from brownout.plan import Plan, PlannedInjection, TestPlan
from brownout.rundir import RunDir
from reports.reading import Evidence, read

OUTCOMES: tuple[ClientOutcome, ...] = get_args(ClientOutcome)

# (longest span, bucket width), both in seconds: some tens of buckets, wide enough to hold a few requests each.
_WIDTHS = ((3.0, 0.1), (8.0, 0.25), (15.0, 0.5), (150.0, 1.0), (300.0, 2.0), (900.0, 5.0), (3600.0, 30.0))
_WIDEST_S = 300.0
_MARKED = ("target-died", "aborted", "stopped")

T = TypeVar("T")


class Window(NamedTuple):
    """When one injection really was on. ``off_s`` is None when nothing says that it was lifted."""

    injection: str
    fault: str
    at: str
    endpoints: list[str]
    on_s: float
    off_s: float | None
    fired: int
    undone: bool | None
    why: str
    colour: str

    @property
    def label(self) -> str:
        """The fault and its place, for a person."""
        return f"{self.fault} at {self.at}" if self.at else self.fault


class Mark(NamedTuple):
    """An instant worth a line: the target died, the run was aborted, recovery was due."""

    at_s: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """Series of one test; lists run in step with ``starts_s`` (the beginnings of the buckets).

    ``due``, ``outcomes`` and ``attempts`` are counts a bucket; TTFT is in seconds and of streamed requests, as in
    promises; None where none of the bucket got a token. ``endpoints`` are all of the topology, tried or not. Client
    series are placed by when a request was due, attempts by when they arrived.
    """

    test: str
    bucket_s: float
    starts_s: list[float]
    end_s: float
    due: list[int]
    outcomes: dict[ClientOutcome, list[int]]
    ttft_p50_s: list[float | None]
    ttft_p99_s: list[float | None]
    attempts: dict[str, list[int]]
    endpoints: list[str]
    windows: list[Window]
    marks: list[Mark]

    @property
    def is_empty(self) -> bool:
        """Whether neither a client nor an endpoint saw anything."""
        return not any(self.due) and not self.attempts


def timelines(run: RunDir) -> dict[str, Timeline]:
    """Return the timeline of every test of a run, in plan order."""
    plan, evidence = run.plan(), read(run)
    return {test.test: timeline(test, plan, evidence) for test in plan.tests}


def timeline(test: TestPlan, plan: Plan, evidence: Evidence) -> Timeline:
    """Return the series of one test of a run."""
    name = test.test
    client, provider = evidence.client.get(name, []), evidence.provider.get(name, [])
    phases = evidence.phases.get(name, [])
    origin_s = load_start_s(phases, client)
    windows = fault_windows(evidence.faults.get(name, []), test.injections, origin_s)
    instants = [record.at_s for record in phases if record.phase == "load-end"]
    instants += [record.due_s for record in client] + [record.arrived_s for record in provider]
    end_s = _end_s([instant - origin_s for instant in instants], windows, planned_s=test.workload.duration_s)
    width_s = next((width for longest, width in _WIDTHS if end_s <= longest), _WIDEST_S)
    count = max(1, math.ceil(end_s / width_s - 0.1))  # a request a moment late makes no bucket of its own
    asked = _bucketed(client, lambda record: record.due_s - origin_s, width_s, count)
    tried = _bucketed(provider, lambda record: record.arrived_s - origin_s, width_s, count)
    endpoints = _endpoints(plan, provider)
    ttfts = [sorted(one.ttft_s for one in bucket if one.stream and one.ttft_s is not None) for bucket in asked]
    return Timeline(
        test=name,
        bucket_s=width_s,
        starts_s=[round(index * width_s, 3) for index in range(count)],
        end_s=max(end_s, count * width_s),
        due=[len(bucket) for bucket in asked],
        outcomes=_counts(asked, OUTCOMES, lambda record: record.outcome),
        ttft_p50_s=[percentile(values, 0.50) for values in ttfts],
        ttft_p99_s=[percentile(values, 0.99) for values in ttfts],
        attempts=_counts(tried, endpoints, lambda record: record.endpoint),
        endpoints=endpoints,
        windows=windows,
        marks=_marks(test, phases, windows, origin_s),
    )


def load_start_s(phases: Iterable[PhaseRecord], client: Iterable[ClientRecord]) -> float:
    """Return when load started, in seconds since the epoch: the mark, else the first due request, else 0."""
    marked = [record.at_s for record in phases if record.phase == "load-start"]
    return marked[0] if marked else min((record.due_s for record in client), default=0.0)


def fault_windows(
    records: Iterable[FaultRecord], injections: Iterable[PlannedInjection], origin_s: float
) -> list[Window]:
    """Pair each injection's ``on`` with the ``off`` that follows it, ordered by when they went on."""
    colours = {injection.id: injection.colour for injection in injections}
    windows: list[Window] = []
    standing: dict[str, FaultRecord] = {}
    for record in sorted(records, key=lambda record: record.at_s):
        if record.event == "off":
            windows.append(_window(standing.pop(record.injection, record), record, colours, origin_s))
        elif record.injection not in standing:
            standing[record.injection] = record
    windows += [_window(record, None, colours, origin_s) for record in standing.values()]
    return sorted(windows, key=lambda window: window.on_s)


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile of sorted values (a value that was really seen); None of none."""
    if not values:
        return None
    return values[max(0, math.ceil(share * len(values) - 1e-9) - 1)]


def _window(on: FaultRecord, off: FaultRecord | None, colours: Mapping[str, str], origin_s: float) -> Window:
    last = off or on
    return Window(
        injection=on.injection,
        fault=on.fault,
        at=on.at,
        endpoints=on.endpoints,
        on_s=on.at_s - origin_s,
        off_s=None if off is None else off.at_s - origin_s,
        fired=last.fired,
        undone=last.undone,
        why="; ".join(dict.fromkeys(record.why for record in (on, last) if record.why)),
        colour=colours.get(on.injection, "#c33"),
    )


def _end_s(seen_s: Sequence[float], windows: Iterable[Window], *, planned_s: float) -> float:
    """Return how far the picture reaches: all that was seen, and the planned load when nothing was."""
    ends_s = [*seen_s, *(window.on_s if window.off_s is None else window.off_s for window in windows)]
    return max([*(ends_s or [planned_s]), 0.1])


def _bucketed(records: Iterable[T], instant: Callable[[T], float], width_s: float, count: int) -> list[list[T]]:
    """Sort records into buckets; what lies before the first or after the last is counted in that one."""
    buckets: list[list[T]] = [[] for _ in range(count)]
    for record in records:
        buckets[min(max(int((instant(record) + 1e-9) // width_s), 0), count - 1)].append(record)
    return buckets


K = TypeVar("K", bound=str)


def _counts(buckets: list[list[T]], keys: Iterable[K], key: Callable[[T], str]) -> dict[K, list[int]]:
    """Return a series of counts for every key that occurs at all."""
    series = {name: [sum(key(record) == name for record in bucket) for bucket in buckets] for name in keys}
    return {name: counts for name, counts in series.items() if any(counts)}


def _endpoints(plan: Plan, provider: Iterable[ProviderRecord]) -> list[str]:
    """Return the topology's endpoints in order of preference, then any other that the evidence names."""
    return list(dict.fromkeys([*plan.topology.names, *sorted({record.endpoint for record in provider})]))


def _marks(test: TestPlan, phases: Iterable[PhaseRecord], windows: Sequence[Window], origin_s: float) -> list[Mark]:
    marks = [Mark(record.at_s - origin_s, record.phase) for record in phases if record.phase in _MARKED]
    lifted = [window.off_s for window in windows if window.off_s is not None]
    if lifted:
        marks.append(Mark(max(lifted) + test.recover_within_s, "recovery due"))
    return marks
