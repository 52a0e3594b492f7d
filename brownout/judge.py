"""Judge: pure, from a run directory to verdicts. Judging again gives the same again."""

import math
import traceback
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeVar

import msgspec

from brownout.doubts import crowded_out, full, not_ready, spoiled, starved
from brownout.egress import GRADES, Grade, grade_of
from brownout.history import History
from brownout.intervals import REPEATS_MAX, Sample, pooled, settled, settles_in
from brownout.metrics import METRICS, Metric, NoEvidence, Observation
from brownout.metrics.base import some
from brownout.plan import Plan, Play, TestPlan, what_lacks
from brownout.rundir import RunDir
from brownout.slo import Slo, parse_slo
from brownout.verdict import Promise, Verdicts, overall
from brownout.viewing import view_of


class _OfATest(Protocol):
    test: str


R = TypeVar("R", bound=_OfATest)


def judge(run: RunDir) -> Verdicts:
    """Judge every promise of a run from its directory, and write ``verdicts.json``."""
    plan = run.plan()
    histories = read_histories(run, plan)
    promises = [promise for group in plan.groups() for promise in judge_tests([histories[one.test] for one in group])]
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
    client, provider, credentials = _by_test(run.client()), _by_test(run.provider()), _by_test(run.credentials())
    faults, phases, telemetry = _by_test(run.faults()), _by_test(run.phases()), _by_test(run.telemetry())
    egress, layers, tape = _by_test(run.egress()), _by_test(run.layers()), _by_test(run.tape())

    def history(test: TestPlan, others: Mapping[Play, History]) -> History:
        return History(
            test,
            plan.topology_of(test),
            client=client[test.test],
            provider=provider[test.test],
            credentials=credentials[test.test],
            faults=faults[test.test],
            phases=phases[test.test],
            telemetry=telemetry[test.test],
            egress=egress[test.test],
            layers=layers[test.test],
            tape=tape[test.test],
            others=others,
            virtual=plan.clock == "virtual",
        )

    return {
        test.test: history(test, {play: history(one, {}) for play, one in test.plays().items() if one is not test})
        for test in plan.tests
    }


def _by_test(records: Sequence[R]) -> Mapping[str, list[R]]:
    """Group records by their test: a plan may hold dozens, and each would read all records through."""
    groups: dict[str, list[R]] = defaultdict(list)
    for record in records:
        groups[record.test].append(record)
    return groups


def judge_tests(repeats: Sequence[History]) -> list[Promise]:
    """Judge the promises of one test from all its repeats, whose samples are pooled."""
    first = repeats[0].plan
    unstarted = next(filter(None, map(not_ready, repeats)), "")
    if unstarted:
        return [_unstarted(first, name, text, unstarted) for name, text in first.promises.items()]
    spoils = list(dict.fromkeys(spoil for history in repeats for spoil in spoiled(history)))
    return [_judge_promise(repeats, name, text, spoils) for name, text in first.promises.items()]


def _blank(test: TestPlan, name: str, text: str) -> Promise:
    """Return a promise that nobody has judged yet; skipped where the target lacks a feature it needs."""
    promise = Promise(
        id=f"{test.suite}/{test.base}/{name}",
        suite=test.suite,
        test=test.base,
        slo=text,
        outcome="unknown",
        observed=None,
        unit=METRICS[parse_slo(text, faults=None).metric].unit,
        samples=0,
        witnesses=[],
        why="",
    )
    if lacking := test.skipped or test.lacking.get(name):
        promise.outcome, promise.why = "skipped", what_lacks(lacking)
    return promise


def _unstarted(test: TestPlan, name: str, text: str, reason: str) -> Promise:
    promise = _blank(test, name, text)
    return promise if promise.outcome == "skipped" else msgspec.structs.replace(promise, why=reason)


def _judge_promise(repeats: Sequence[History], name: str, text: str, spoils: list[str]) -> Promise:
    test = repeats[0].plan
    promise = _blank(test, name, text)
    slo = parse_slo(text, faults=None)
    metric = METRICS[slo.metric]
    if promise.outcome == "skipped":
        return _seen_all_the_same(promise, name, metric, slo, repeats)
    try:
        seen = together([_named(metric.measure(view_of(one, slo)), one.plan.repeat) for one in repeats], slo)
    except NoEvidence as missing:
        promise.why = "; ".join([*spoils, str(missing)])
        return promise
    except Exception:  # noqa: BLE001 - a crashed check is an unknown, and says so
        promise.why = f"the check itself crashed: {traceback.format_exc(limit=-2).strip()}"
        return promise
    _conclude(promise, metric, slo, seen, spoils, played=len(repeats))
    if promise.outcome == "fail":
        _excuse(promise, metric, repeats)
    if metric.graded:
        _grade(promise, repeats, test.grade)
    return promise


def _grade(promise: Promise, repeats: Sequence[History], asked: Grade | Literal[""]) -> None:
    """Say how strong the proof is; one that is weaker than was asked for is none. What was seen needs no grade."""
    reached = [grade_of(one.layers.values()) for one in repeats]
    promise.grade, promise.grade_why = max(reached, key=lambda one: GRADES.index(one[0]))
    if promise.outcome == "pass" and asked and GRADES.index(promise.grade) > GRADES.index(asked):
        promise.outcome = "unknown"
        promise.why = (
            f"its proof is {promise.grade!r}, and {asked!r} was asked for ({promise.grade_why}); {promise.why}"
        )


def _seen_all_the_same(promise: Promise, name: str, metric: Metric, slo: Slo, repeats: Sequence[History]) -> Promise:
    """Tell of data that was seen where it may not be, though the target never promised that it would not.

    What nobody promised breaks nothing. But a green verdict over evidence of a leak must not keep it to itself, and is
    none where boundaries were promised and nobody said that this was left out of them.
    """
    if not metric.graded:
        return promise
    try:
        seen = together([_named(metric.measure(view_of(one, slo)), one.plan.repeat) for one in repeats], slo)
    except Exception:  # noqa: BLE001 - nothing is owed here: what could not be looked at was not promised
        return promise
    if slo.holds(seen.value):
        return promise
    why = f"{promise.why}; seen all the same: {seen.why}"
    if name in repeats[0].plan.left_open:
        promise.outcome = "unknown"
        why += (
            "; it declares tenant-boundary: let its file declare this as well, to be held to it, or list it under "
            "forgoes, to say that it is known"
        )
    return msgspec.structs.replace(
        promise,
        observed=_finite(seen.value),
        samples=seen.samples,
        witnesses=seen.witnesses,
        why=why,
        seen_all_the_same=True,
    )


def _excuse(promise: Promise, metric: Metric, repeats: Sequence[History]) -> None:
    """A busy machine breaks what a target would have kept: then nobody knows. What is proven stays broken."""
    checks = ([] if metric.stands_alone or metric.factual else [crowded_out]) + ([starved] if metric.timed else [])
    doubt = next((found for check in checks for one in repeats if (found := check(one))), "")
    if doubt:
        promise.outcome, promise.why = "unknown", "; ".join(filter(None, [doubt, promise.why]))
    elif metric.timed:
        promise.why = "; ".join(filter(None, [promise.why, next(filter(None, map(full, repeats)), "")]))


def _named(seen: Observation, repeat: int) -> Observation:
    """Number the witnesses of a repeat: each repeat has a request of the same number."""
    if repeat == 1:
        return seen
    return msgspec.structs.replace(seen, witnesses=[f"{canary}.{repeat}" for canary in seen.witnesses])


def together(repeats: Sequence[Observation], slo: Slo) -> Observation:
    """Return what repeats of a test saw as one: samples are pooled; of figures that are none, the worst counts.

    A promise that one repeat in five breaks is one that is broken, and no mean of five would say so.
    """
    if len(repeats) == 1:
        return repeats[0]
    worst = next((one for one in repeats if not slo.holds(one.value)), None) or _nearest(repeats, slo)
    kept = sum(slo.holds(one.value) for one in repeats)
    sample = pooled([one.sample for one in repeats if one.sample]) if all(one.sample for one in repeats) else None
    return msgspec.structs.replace(
        worst,
        value=sample.value if sample else worst.value,
        samples=sum(one.samples for one in repeats),
        witnesses=some([canary for one in [worst, *repeats] for canary in one.witnesses]),
        why=f"kept by {kept} of {len(repeats)} repeats; the worst: {worst.why}",
        sample=sample,
    )


def _nearest(repeats: Sequence[Observation], slo: Slo) -> Observation:
    """Of repeats that all keep the bound, the one that does so by the least."""
    return min(repeats, key=lambda one: abs(one.value - slo.bound))


def _conclude(promise: Promise, metric: Metric, slo: Slo, seen: Observation, spoils: list[str], *, played: int) -> None:
    promise.observed = _finite(seen.value)
    promise.samples, promise.witnesses, promise.why = seen.samples, seen.witnesses, seen.why
    promise.outcome = "pass" if slo.holds(seen.value) else "fail"
    if seen.sample:
        _weigh(promise, slo, seen.sample, played)
    if promise.outcome == "pass":
        promise.witnesses = []
    proven = promise.outcome == "fail" and metric.stands_alone
    if spoils and not proven and not metric.factual:
        promise.outcome = "unknown"
        promise.why = "; ".join([*spoils, seen.why] if seen.why else spoils)


def _weigh(promise: Promise, slo: Slo, sample: Sample, played: int) -> None:
    """A figure whose interval reaches over the bound tells nothing of which side the truth is on."""
    low, high = sample.interval()
    promise.low, promise.high = _finite(low), _finite(high)
    if settled(sample, slo.holds):
        return
    promise.outcome = "unknown"
    times = settles_in(sample, slo.holds, at_most=max(REPEATS_MAX // played, 1))
    if times:
        promise.repeats = times * played
        settle = f"{times} times as much of the same would settle it (--repeat {promise.repeats})"
    else:
        settle = f"not even {REPEATS_MAX} repeats like this would settle it"
    near = f"too near the bound to tell from {promise.samples} samples: {settle}"
    promise.why = "; ".join(filter(None, [near, promise.why]))


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
