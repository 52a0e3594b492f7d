"""Judge: pure, from a run directory to verdicts. Judging again gives the same again."""

import math
import traceback
from collections.abc import Callable, Sequence

import msgspec

from brownout.evidence import ClientRecord
from brownout.history import History, Window
from brownout.metrics import METRICS, Metric, NoEvidence, Observation
from brownout.plan import TARGET, Plan, TestPlan
from brownout.rundir import RunDir
from brownout.slo import Slo, parse_slo
from brownout.verdict import Promise, Verdicts, never_fired, overall
from brownout.viewing import view_of

DISPATCH_LAG_P99_MAX_S = 0.05
CPU_PRESSURE_MAX = 0.8
_BASELINE_SERVED_MIN = 0.99
_BASELINE_TTFT_P50_MAX_S = 2.0
_SOME_REQUESTS = 5


def judge(run: RunDir) -> Verdicts:
    """Judge every promise of a run from its directory, and write ``verdicts.json``."""
    plan = run.plan()
    histories = read_histories(run, plan)
    promises = [promise for test in plan.tests for promise in judge_test(test, histories[test.test])]
    phases = run.phases()
    ended = [phase.at_s for phase in phases if phase.phase == "done" and not phase.test]
    verdicts = Verdicts(
        outcome=overall([promise.outcome for promise in promises]),
        target=plan.target,
        seed=plan.seed,
        started_at=plan.started_at,
        duration_s=round(ended[-1] if ended else max((h.last_s for h in histories.values()), default=0.0), 3),
        promises=promises,
        stopped=next((phase.why for phase in phases if phase.phase == "stopped"), ""),
    )
    run.file("verdicts.json").write_bytes(msgspec.json.format(msgspec.json.encode(verdicts), indent=2) + b"\n")
    return verdicts


def read_histories(run: RunDir, plan: Plan) -> dict[str, History]:
    """Return each test's history, by the test's name."""
    client, provider, faults, phases = run.client(), run.provider(), run.faults(), run.phases()
    return {
        test.test: History(
            test,
            plan.topology,
            client=[record for record in client if record.test == test.test],
            provider=[record for record in provider if record.test == test.test],
            faults=[record for record in faults if record.test == test.test],
            phases=[record for record in phases if record.test == test.test],
        )
        for test in plan.tests
    }


def judge_test(test: TestPlan, history: History) -> list[Promise]:
    """Judge the promises of one test."""
    spoils = spoiled(history)
    if unstarted := _not_ready(history):
        return [_unstarted(test, name, text, unstarted) for name, text in test.promises.items()]
    return [_judge_promise(test, history, name, text, spoils) for name, text in test.promises.items()]


def _slo(test: TestPlan, text: str) -> Slo:
    return parse_slo(text, faults=[injection.fault for injection in test.injections])


def _blank(test: TestPlan, name: str, text: str) -> Promise:
    """Return a promise that nobody has judged yet; skipped where the target lacks a feature it needs."""
    promise = Promise(
        id=f"{test.suite}/{test.test}/{name}",
        suite=test.suite,
        test=test.test,
        slo=text,
        outcome="unknown",
        observed=None,
        unit=METRICS[_slo(test, text).metric].unit,
        samples=0,
        witnesses=[],
        why="",
    )
    if lacking := test.skipped or test.lacking.get(name):
        promise.outcome, promise.why = "skipped", _what_lacks(lacking)
    return promise


def _what_lacks(lacking: list[str]) -> str:
    """Features are the target's to declare; a topology may lack something too."""
    ours = [name.removeprefix("topology: ") for name in lacking if name.startswith("topology: ")]
    if ours:
        return f"the topology has no such thing: {', '.join(ours)}"
    return f"the target does not declare: {', '.join(lacking)}"


def _unstarted(test: TestPlan, name: str, text: str, reason: str) -> Promise:
    promise = _blank(test, name, text)
    return promise if promise.outcome == "skipped" else msgspec.structs.replace(promise, why=reason)


def _judge_promise(test: TestPlan, history: History, name: str, text: str, spoils: list[str]) -> Promise:
    promise = _blank(test, name, text)
    if promise.outcome == "skipped":
        return promise
    slo = _slo(test, text)
    metric = METRICS[slo.metric]
    try:
        seen = metric.measure(view_of(history, slo))
    except NoEvidence as missing:
        promise.why = "; ".join([*spoils, str(missing)])
        return promise
    except Exception:  # noqa: BLE001 - a crashed check is an unknown, and says so
        promise.why = f"the check itself crashed: {traceback.format_exc(limit=-2).strip()}"
        return promise
    _conclude(promise, metric, slo, seen, spoils)
    if promise.outcome == "fail" and metric.timed and (doubt := _starved(history)):
        promise.outcome, promise.why = "unknown", "; ".join(filter(None, [doubt, promise.why]))
    return promise


def _conclude(promise: Promise, metric: Metric, slo: Slo, seen: Observation, spoils: list[str]) -> None:
    promise.observed = round(seen.value, 6) if math.isfinite(seen.value) else None
    promise.samples, promise.witnesses, promise.why = seen.samples, seen.witnesses, seen.why
    promise.outcome = "pass" if slo.holds(seen.value) else "fail"
    if promise.outcome == "pass":
        promise.witnesses = []
    proven = promise.outcome == "fail" and metric.stands_alone
    if spoils and not proven and not metric.factual:
        promise.outcome = "unknown"
        promise.why = "; ".join([*spoils, seen.why] if seen.why else spoils)


def spoiled(history: History) -> list[str]:
    """Return the reasons, if any, why this test's evidence cannot carry a verdict on the target."""
    return [reason for check in _SPOILERS if (reason := check(history))]


def _not_ready(history: History) -> str:
    """The first line only: the log's tail was printed once, and is in the target's log."""
    phase = history.phases.get("target-failed")
    if phase is None:
        return ""
    first, _, _ = phase.why.partition("\n")
    return f"the target never became ready: {first.removesuffix(', ends:') or 'no reason given'}"


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
        return f"the load generator was overloaded: dispatch lag p99 {p99_s * 1000:.0f} ms (at most 50 ms)"
    return ""


def _unhealthy_baseline(history: History) -> str:
    before_s = history.before_s()
    due = [r for r in history.client if r.due_s < before_s]
    if not history.plan.injections:
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


def _starved(history: History) -> str:
    """A machine without a processor to spare makes everybody wait: that excuses a red, and taints no green."""
    phase = history.phases.get("cpu-pressure")
    if phase is None or phase.value is None or phase.value <= CPU_PRESSURE_MAX:
        return ""
    busy = f"for {phase.value:.0%} of the time something waited for a processor (at most {CPU_PRESSURE_MAX:.0%})"
    return f"the machine was too busy to blame the target: {busy}; fewer --jobs may help"


def _idle_faults(history: History) -> str:
    """A fault that was never on, never fired, or sat where no traffic went, tells nothing about the target."""
    if "stopped" in history.phases:
        return ""  # what had no time to come is not worth a word each
    on = {window.injection.id: window for window in history.windows}
    reasons = []
    for injection in history.plan.injections:
        window = on.get(injection.id)
        if window is None:
            reasons.append(f"{injection.id} was never on")
        elif window.fired == 0:
            reasons.append(never_fired(injection.id))
        elif not _met_traffic(history, window):
            reasons.append(f"{injection.id} met no traffic: no request had gone to {injection.at} before or during it")
    return "; ".join(reasons)


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
    _undone,
)
