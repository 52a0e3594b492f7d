"""Doubts: why a test's evidence cannot carry a verdict on the target, or cannot carry a red one."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

from brownout.evidence import CPU_PRESSURE, TARGET_BUSY, TARGET_STARVED, TARGET_WAITED, ClientRecord
from brownout.history import History, Window
from brownout.plan import TARGET
from brownout.verdict import never_fired

DISPATCH_LAG_P99_MAX_S = 0.05
DISPATCH_LAG_MAX_S = 1.0  # one request may be called hung, or lost, for this: no percentile excuses it
CPU_PRESSURE_MAX = 0.8
FULL_MIN = 0.9
WAITED_MIN = 0.2  # on a machine with room to spare it is a few hundredths; from there on waits are longer by a quarter
STARVED_MIN = 0.1  # of one that wanted most of a processor: what it did not get piles up
_A_THREAD = "a thread of the target's waited for a processor that others had"
_BASELINE_SERVED_MIN = 0.99
_BASELINE_TTFT_P50_MAX_S = 2.0
_SOME_REQUESTS = 5


def spoiled(history: History) -> list[str]:
    """Return the reasons, if any, why this test's evidence cannot carry a verdict on the target."""
    return [reason for check in _SPOILERS if (reason := check(history))]


def not_ready(history: History) -> str:
    """The first line only: the log's tail was printed once, and is in the target's log."""
    phase = history.phases.get("target-failed")
    if phase is None:
        return ""
    first, _, _ = phase.why.partition("\n")
    return f"the target never became ready: {first.removesuffix(', ends:') or 'no reason given'}"


def incomplete(history: History) -> str:
    """Return why a play's evidence is not whole; what else may be wrong is no matter to who only compares."""
    return not_ready(history) or _not_finished(history) or _undone(history)


def _not_finished(history: History) -> str:
    if "aborted" in history.phases:
        return f"the test was aborted: {history.phases['aborted'].why or 'no reason given'}"
    if "stopped" in history.phases:
        return f"the run was stopped: {history.phases['stopped'].why}"
    if "target-died" in history.phases:
        return "the target died before the test had ended"
    return "" if "load-end" in history.phases else "the test did not run to its end"


def _missing_layers(history: History) -> str:
    """Both ends are asserted: a test that only one of them has seen proves nothing."""
    if not history.client:
        return "no request of the load is on record"
    return "" if history.attempts else "no endpoint has a request of the load on record"


def _overloaded_generator(history: History) -> str:
    if not history.client:
        return ""
    unsent = sum(r.outcome == "unsent" for r in history.client)
    if unsent:
        return f"the load generator failed to send {unsent} of {len(history.client)} requests"
    lags = sorted(r.sent_s - r.due_s for r in history.client)
    p99_s = round(lags[math.ceil(0.99 * len(lags)) - 1], 6)
    if p99_s > DISPATCH_LAG_P99_MAX_S:
        late = sum(lag_s > DISPATCH_LAG_P99_MAX_S for lag_s in lags)
        share = f"{late} of {len(lags)} requests were sent later than that"
        return f"the load generator was overloaded: dispatch lag p99 {p99_s * 1000:.0f} ms (at most 50 ms), {share}"
    if lags[-1] > DISPATCH_LAG_MAX_S:
        return f"the load generator was overloaded: it sent a request {lags[-1]:.1f} s late (at most 1 s)"
    return ""


def _unhealthy_baseline(history: History) -> str:
    before_s = history.before_s()
    due = [r for r in history.client if r.due_s < before_s]
    if not history.plan.injections and not history.bursts:
        return ""
    if len(due) < _SOME_REQUESTS:
        return f"only {len(due)} requests were due before the first fault: whether the target was healthy is not known"
    lost = [r for r in due if r.outcome != "ok" and r.end_s < before_s]
    if len(lost) > max((1 - _BASELINE_SERVED_MIN) * len(due), 1):
        kinds = ", ".join(sorted({f"{r.outcome} {r.error}".strip() for r in lost}))
        return f"the target was not healthy before the faults: {len(lost)} of {len(due)} requests not served ({kinds})"
    waits = sorted(wait_s for r in due if (wait_s := _waited_s(r, before_s)) is not None)
    if waits and (median_s := waits[len(waits) // 2]) > _BASELINE_TTFT_P50_MAX_S:
        figure = f"{median_s:.2f} s (at most {_BASELINE_TTFT_P50_MAX_S:g} s)"
        return f"the target was not healthy before the faults: its median time to first token was {figure}"
    return ""


def _waited_s(record: ClientRecord, until_s: float) -> float | None:
    """A request that never began to be answered had waited for at least as long as there was no fault."""
    if record.ttft_s is None and record.outcome == "hung":
        return min(record.end_s, until_s) - record.due_s
    return record.ttft_s


def crowded_out(history: History) -> str:
    """A target that wanted a processor and did not get it loses requests as well as time: that excuses any red."""
    waited = _strain(history, TARGET_STARVED)
    if waited < STARVED_MIN:
        return ""
    return _too_busy(f"for {waited:.0%} of some seconds {_A_THREAD}, and wanted most of it")


def starved(history: History) -> str:
    """A machine without a processor to spare makes everybody wait: that excuses a slow red, and taints no green."""
    pressure, waited = _strain(history, CPU_PRESSURE), _strain(history, TARGET_WAITED)
    if waited >= WAITED_MIN:
        return _too_busy(f"for {waited:.0%} of some seconds {_A_THREAD}")
    if pressure > CPU_PRESSURE_MAX:
        most = f"(at most {CPU_PRESSURE_MAX:.0%})"
        return _too_busy(f"for {pressure:.0%} of the time something waited for a processor {most}")
    return ""


def _strain(history: History, name: str) -> float:
    phase = history.phases.get(name)
    return phase.value if phase is not None and phase.value is not None else 0.0


def _too_busy(how: str) -> str:
    return f"the machine was too busy to blame the target: {how}; fewer --jobs may help"


def full(history: History) -> str:
    """A target that is full is judged as it was set up; whoever reads it should know what it ran out of."""
    ran = _strain(history, TARGET_BUSY)
    if ran < FULL_MIN:
        return ""
    busy = f"a thread of the target's used {ran:.0%} of a processor for seconds"
    return f"{busy}: it may have needed more workers for this load, or a faster machine"


def _idle_faults(history: History) -> str:
    """A fault that was never on, never fired, or sat where no traffic went, tells nothing about the target."""
    if "stopped" in history.phases:
        return ""  # what had no time to come is not worth a word each
    on = {window.injection.id: window for window in history.windows}
    reasons, unmet = [], False
    for injection in history.plan.injections:
        window = on.get(injection.id)
        if window is None:
            reasons.append(f"{injection.id} was never on")
        elif window.fired == 0:
            reasons.append(never_fired(injection.id))
            unmet = True
        elif not _met_traffic(history, window):
            none = f"no request had gone to {injection.at} before or during it"
            reasons.append(f"{injection.id} met no traffic: {none}")
            unmet = True
    if unmet:
        reasons.append(_went(history))
    return "; ".join(filter(None, reasons))


def _went(history: History) -> str:
    """Say where traffic went instead: whoever prefers another endpoint is judged by a topology that names it first."""
    before_s = history.before_s()
    places = Counter(r.endpoint for r in history.attempts if r.arrived_s < before_s)
    first = next(iter(history.topology.names))
    if not places or first in places:
        return ""
    most, count = places.most_common(1)[0]
    return (
        f"{count} of {places.total()} went to {most}, and none to {first}, which stands first in the topology: if "
        f"that is how this target prefers them, give it a topology of that order (--topology)"
    )


def _nobody_left(history: History) -> str:
    """A target that ends everything before clients hang up has not shown what it does when they do."""
    load = history.plan.workload
    left = sum(r.outcome == "hung" and not r.batch for r in history.client)
    if left >= load.leavers_min or "stopped" in history.phases:
        return ""
    how = f"hung up before the end of their answers, {load.patience_s:g} s after they were due"
    return f"only {left} clients {how} (at least {load.leavers_min}): what becomes of these answers was not shown"


def _met_traffic(history: History, window: Window) -> bool:
    """Refused connections leave no trace at the endpoint; that it carried traffic until then is the proof.

    What strikes the router itself meets all the traffic that there is.
    """
    anywhere = window.injection.at == TARGET
    hit = set(window.injection.endpoints)
    return any((anywhere or r.endpoint in hit) and r.arrived_s < window.off_s for r in history.attempts)


def _undone(history: History) -> str:
    left = [w.injection.id for w in history.windows if w.undone is not True]
    return f"not confirmed as undone: {', '.join(left)}" if left and "load-end" in history.phases else ""


_SPOILERS: Sequence[Callable[[History], str]] = (
    _not_finished,
    _missing_layers,
    _overloaded_generator,
    _unhealthy_baseline,
    _idle_faults,
    _nobody_left,
    _undone,
)
