"""When requests are due, and whose they are: a workload and a seed make one list, and always the same one."""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from brownout.clock import rng_for
from brownout.errors import BadInput, unknown
from brownout.workload import COMMON_QUESTIONS, Arrival, Burst, DueRequest, Workload

MAX_PROMPT_TOKENS = 2048
MAX_OUTPUT_TOKENS = 512
_HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
_ROW = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?,(\d+),(\d+)", re.ASCII)


Name = TypeVar("Name", bound=str)


class Moment(NamedTuple):
    """One arrival: its due time, and its (prompt, output) lengths where the process brings its own."""

    due_s: float
    lengths: tuple[int, int] | None = None


Process: TypeAlias = Callable[[Workload, int], Iterator[Moment]]


def due_requests(workload: Workload, seed: int, tenants: Sequence[str]) -> list[DueRequest]:
    """Return the requests of a workload in the order they are due, all of them before ``duration_s``.

    Args:
        workload: the traffic asked for; a relative ``arrival.trace`` is found from the working directory.
        seed: the run's seed. Arrivals, the mix and who asks a common question are drawn from separate generators, so
            that changing the rate does not change who the n-th request belongs to.
        tenants: all tenants of the topology; without shares in the workload each gets the same share.

    Returns:
        The requests, numbered from 0. A trace's lengths are clipped to 2048 prompt and 512 output tokens (the
        longest real ones, at 14,050 tokens, would measure how fast text is copied rather than the target).

    Raises:
        BadInput: a share for an unknown tenant, a number that cannot be played, or a malformed trace.
    """
    _check(workload)
    process = _process_named(workload.arrival.process)
    usual = _Mix(workload, tenants)
    bursts = [(burst, _Mix(workload, tenants, burst)) for burst in workload.arrival.bursts]
    rng = rng_for(seed, "mix")
    common = _Common(workload, seed)
    requests = []
    for number, moment in enumerate(process(workload, seed)):
        mix = next((mix for burst, mix in bursts if burst.at_s <= moment.due_s < burst.ends_s), usual)
        tenant = rng.choices(*mix.owners)[0]
        traffic_class = rng.choices(*mix.classes)[0]
        stream = rng.random() < workload.stream_share
        drawn = rng.randint(*workload.prompt_tokens), rng.randint(*workload.output_tokens)
        asked = common.draw()
        prompt_tokens, output_tokens = moment.lengths or drawn if asked is None else common.lengths[asked]
        requests.append(
            DueRequest(
                number=number,
                due_s=moment.due_s,
                tenant=tenant,
                traffic_class=traffic_class,
                stream=stream,
                prompt_tokens=prompt_tokens,
                output_tokens=output_tokens,
                common=asked,
            )
        )
    return requests


class _Mix:
    """Whose requests they are, and of which class: names and weights, as `random.choices` takes them."""

    def __init__(self, workload: Workload, tenants: Sequence[str], burst: Burst | None = None) -> None:
        owners = (burst.tenants if burst else None) or workload.tenants or dict.fromkeys(tenants, 1.0)
        classes = (burst.classes if burst else None) or workload.classes
        self.owners = _shares("tenants", owners, tenants)
        self.classes = _shares("classes", classes, list(classes))


class _Common:
    """The common questions: how long each of them and its answer is, and who asks one."""

    def __init__(self, workload: Workload, seed: int) -> None:
        self._share, self._rng = workload.common_share, rng_for(seed, "common")
        rng = rng_for(seed, "common", "lengths")
        self.lengths = [
            (rng.randint(*workload.prompt_tokens), rng.randint(*workload.output_tokens))
            for _ in range(COMMON_QUESTIONS)
        ]

    def draw(self) -> int | None:
        """Return which question the next request asks; None for one of its own."""
        number = self._rng.randrange(COMMON_QUESTIONS)  # drawn whoever asks: more who ask do not change what others ask
        return number if self._rng.random() < self._share else None


def _constant(workload: Workload, _seed: int) -> Iterator[Moment]:
    """Yield arrivals ``1 / rate`` apart, the first at 0. Divided, not summed: sums drift."""
    number = 0
    while (due_s := _later(workload.arrival, 0.0, number)) < workload.duration_s:
        yield Moment(due_s)
        number += 1


def _poisson(workload: Workload, seed: int) -> Iterator[Moment]:
    """Yield arrivals with exponential gaps of mean ``1 / rate``: many users who know nothing of each other."""
    rng = rng_for(seed, "arrivals")
    due_s = _later(workload.arrival, 0.0, rng.expovariate(1.0))
    while due_s < workload.duration_s:
        yield Moment(due_s)
        due_s = _later(workload.arrival, due_s, rng.expovariate(1.0))


def _later(arrival: Arrival, from_s: float, expected: float) -> float:
    """Return the instant until which, from another on, so many arrivals are expected at the rates of the time.

    Inverting the expected number of arrivals so makes a Poisson process of changing rate out of one of rate 1 (Cinlar,
    Introduction to Stochastic Processes, 1975), exactly, and with the same draws whatever the rates are.
    """
    for ends_s, rate_rps in _rates(arrival):
        if ends_s <= from_s:
            continue
        here = (ends_s - from_s) * rate_rps
        if expected < here:
            return from_s + expected / rate_rps
        from_s, expected = ends_s, expected - here
    return from_s + expected / arrival.rate_rps


def _rates(arrival: Arrival) -> Iterator[tuple[float, float]]:
    """Yield until when each rate holds, in order, and the rate; after the last it is the usual one for good."""
    for burst in arrival.bursts:
        yield burst.at_s, arrival.rate_rps
        yield burst.ends_s, burst.rate_rps


def _trace(workload: Workload, _seed: int) -> Iterator[Moment]:
    """Yield a file's arrivals, its gaps divided by ``speed``, the row ``from_row`` (the first is 0) at 0.

    Rows are read only as far as the workload lasts, and the file is not started over when it ends before.
    """
    arrival = workload.arrival
    path = Path(arrival.trace)
    try:
        with path.open(encoding="utf-8", newline=None) as lines:
            first: int | None = None
            before = 0
            for line, ticks, lengths in _trace_rows(path, lines, arrival.from_row):
                first = ticks if first is None else first
                if ticks < before:
                    raise BadInput(f"{path}:{line}: expected rows in order of time; this one is before the last.")
                before = ticks
                due_s = (ticks - first) / 1e9 / arrival.speed
                if due_s >= workload.duration_s:
                    return
                yield Moment(due_s, lengths)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"workload.arrival.trace: cannot read {arrival.trace!r} as a CSV file: {error}.") from error
    if first is None:
        raise BadInput(f"workload.arrival.from_row: {path} has no row {arrival.from_row} (the first is 0).")


def _trace_rows(path: Path, lines: Iterator[str], from_row: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Yield (line number, nanoseconds, clipped lengths) of the rows from ``from_row`` on."""
    header = next(lines, "").rstrip("\n")
    if header != _HEADER:
        raise BadInput(f"{path}:1: expected the header {_HEADER!r}, got {header[:80]!r}.")
    for line, text in enumerate(lines, start=2):
        if line - 2 < from_row:
            continue
        match = _ROW.fullmatch(text.rstrip("\n"))
        try:
            second = dt.datetime.fromisoformat(f"{match[1]}+00:00") if match else None
        except ValueError:
            second = None
        if match is None or second is None:
            raise BadInput(
                f"{path}:{line}: expected 'YYYY-MM-DD HH:MM:SS.fffffff,<prompt tokens>,<output tokens>', "
                f"got {text.rstrip()[:80]!r}."
            )
        # Whole nanoseconds: a float holds a date and seven decimals only to a quarter of a microsecond.
        ticks = int(second.timestamp()) * 10**9 + int((match[2] or "0").ljust(9, "0"))
        yield line, ticks, (_clipped(match[3], MAX_PROMPT_TOKENS), _clipped(match[4], MAX_OUTPUT_TOKENS))


def _clipped(digits: str, most: int) -> int:
    return min(max(int(digits), 1), most)


# A new arrival process is one function above and one line here (and its name in `brownout.workload.Arrival`).
PROCESSES: dict[str, Process] = {"constant": _constant, "poisson": _poisson, "trace": _trace}


def _process_named(name: str) -> Process:
    try:
        return PROCESSES[name]
    except KeyError:
        raise unknown("arrival process", name, PROCESSES, where="workload.arrival.process") from None


def _shares(field: str, shares: Mapping[Name, float], known: Sequence[Name]) -> tuple[list[Name], list[float]]:
    """Return names and weights in the order of ``known``, which a file's order of keys must not change."""
    for name in shares:
        if name not in known:
            raise unknown(field.rstrip("s"), name, known, where=f"workload.{field}")
        if not (shares[name] >= 0 and math.isfinite(shares[name])):
            raise BadInput(f"workload.{field}.{name}: expected a share of 0 or more, got {shares[name]}.")
    if not sum(shares.values()) > 0:
        raise BadInput(f"workload.{field}: expected at least one share above 0.")
    names = [name for name in known if name in shares]
    return names, [shares[name] for name in names]


def _check(workload: Workload) -> None:
    """Refuse numbers that no list of requests can come out of."""
    arrival = workload.arrival
    for field, value in (
        ("arrival.rate_rps", arrival.rate_rps),
        ("arrival.speed", arrival.speed),
        ("patience_s", workload.patience_s),
    ):
        if not (value > 0 and math.isfinite(value)):
            raise BadInput(f"workload.{field}: expected a number above 0, got {value}.")
    _check_bursts(arrival)
    if not (workload.duration_s >= 0 and math.isfinite(workload.duration_s)):
        raise BadInput(f"workload.duration_s: expected 0 seconds or more, got {workload.duration_s}.")
    if arrival.from_row < 0:
        raise BadInput(f"workload.arrival.from_row: expected 0 or more, got {arrival.from_row}.")
    if not 0 <= workload.stream_share <= 1:
        raise BadInput(f"workload.stream_share: expected a ratio from 0 to 1, got {workload.stream_share}.")
    if not 0 <= workload.common_share < 1:
        raise BadInput(
            f"workload.common_share: expected a ratio from 0 to below 1 (somebody has to ask what is a tenant's own), "
            f"got {workload.common_share}."
        )
    if workload.common_share and not workload.planted:
        raise BadInput("workload.common_share: only a planted load has common questions; say planted, or leave it out.")
    for field, (low, high) in (("prompt_tokens", workload.prompt_tokens), ("output_tokens", workload.output_tokens)):
        if not 1 <= low <= high:
            raise BadInput(f"workload.{field}: expected a range [low, high] from 1 up, got [{low}, {high}].")


def _check_bursts(arrival: Arrival) -> None:
    before_s = 0.0
    for place, burst in enumerate(arrival.bursts):
        where = f"workload.arrival.bursts[{place}]"
        if not (burst.at_s >= before_s and burst.for_s > 0 and math.isfinite(burst.ends_s)):
            raise BadInput(
                f"{where}: expected to begin at {before_s:g} s or later (in order, none over another) and to last for "
                f"more than 0 s, got at_s {burst.at_s:g} and for_s {burst.for_s:g}."
            )
        if not (burst.rate_rps > 0 and math.isfinite(burst.rate_rps)):
            raise BadInput(f"{where}.rate_rps: expected a number above 0, got {burst.rate_rps}.")
        before_s = burst.ends_s
    if arrival.bursts and arrival.process == "trace":
        raise BadInput("workload.arrival.bursts: a trace brings its own; leave them out.")
