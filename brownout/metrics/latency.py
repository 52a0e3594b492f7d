"""How long people waited, counted from when their request was due."""

from collections.abc import Sequence

from brownout.evidence import ClientRecord
from brownout.intervals import Quantile
from brownout.metrics.base import Observation, View, metric, need, some

_MEDIAN_SAMPLES_MIN = 5
_ERRORS_MIN = 10
_TAIL_SAMPLES_MIN = 20  # below 100 a p99 is the maximum; below 20 it is an anecdote


@metric("ttft_p50_s", "s", timed=True)
def ttft_p50_s(view: View) -> Observation:
    """Median time to first token."""
    return _percentile(_first_tokens(view.client), 0.50, _MEDIAN_SAMPLES_MIN)


@metric("ttft_p90_s", "s", timed=True)
def ttft_p90_s(view: View) -> Observation:
    """90th percentile (nearest rank) of the time to first token."""
    return _percentile(_first_tokens(view.client), 0.90, _TAIL_SAMPLES_MIN)


@metric("ttft_p95_s", "s", timed=True)
def ttft_p95_s(view: View) -> Observation:
    """95th percentile (nearest rank) of the time to first token."""
    return _percentile(_first_tokens(view.client), 0.95, _TAIL_SAMPLES_MIN)


@metric("ttft_p99_s", "s", timed=True)
def ttft_p99_s(view: View) -> Observation:
    """99th percentile (nearest rank) of the time to first token."""
    return _percentile(_first_tokens(view.client), 0.99, _TAIL_SAMPLES_MIN)


@metric("e2e_p99_s", "s", timed=True)
def e2e_p99_s(view: View) -> Observation:
    """99th percentile (nearest rank) of the time to the last byte of a served request."""
    waits = [(record.e2e_s, record.canary) for record in view.client if record.outcome in ("ok", "hung")]
    return _percentile(waits, 0.99, _TAIL_SAMPLES_MIN)


@metric("time_to_error_p90_s", "s", timed=True)
def time_to_error_p90_s(view: View) -> Observation:
    """90th percentile (nearest rank) of the time until those who were not served were told so."""
    return _percentile(_told(view.client), 0.90, _ERRORS_MIN)


@metric("time_to_error_p99_s", "s", timed=True)
def time_to_error_p99_s(view: View) -> Observation:
    """99th percentile (nearest rank) of the time until those who were not served were told so."""
    return _percentile(_told(view.client), 0.99, _ERRORS_MIN)


def _told(records: Sequence[ClientRecord]) -> list[tuple[float, str]]:
    return [(record.e2e_s, record.canary) for record in records if record.outcome in ("refused", "error")]


def _first_tokens(records: Sequence[ClientRecord]) -> list[tuple[float, str]]:
    """Return each request's wait and canary.

    A request that hung before its first token waited at least as long as its client did; leaving it out would make the
    slowest requests improve the figure. An error is not a wait: it counts in availability.
    """
    waits = []
    for record in records:
        if not record.stream:
            continue  # it has no first token: it comes whole, and the longer it is, the later
        if record.ttft_s is not None:
            waits.append((record.ttft_s, record.canary))
        elif record.outcome == "hung":
            waits.append((record.e2e_s, record.canary))
    return waits


def _percentile(waits: list[tuple[float, str]], quantile: float, at_least: int) -> Observation:
    need(waits, at_least, "timed requests in the window")
    ordered = sorted(waits)
    slowest = [canary for _, canary in reversed(ordered)]
    why = f"median {ordered[len(ordered) // 2][0]:.2f} s, longest {ordered[-1][0]:.2f} s"
    sample = Quantile(tuple(wait_s for wait_s, _ in ordered), quantile)
    return Observation(value=sample.value, samples=len(ordered), witnesses=some(slowest[:3]), why=why, sample=sample)
