"""What a test suffers from others that are played beside it, in real time.

    make bench-side        (or: python -m bench.side_by_side [--beside 2,4,6] [--rounds 1])

``region-5xx`` is played alone on the reference router, and then beside one, three and five other tests. What is
printed is what timing they disturb: TTFT and dispatch lag as ratios of those alone, how late its fault came on and went
off, how busy the processors were, and whether any verdict is another one. Requests that were met at another test's
endpoints are counted as strays: each test has a key of its own here, so that a canary of another proves itself nowhere.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from brownout.evidence import PhaseRecord
from brownout.judge import judge
from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.target import load_target
from brownout.verdict import Outcome
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions, make_plan, play_real
from fixtures.guard import guarded
from fixtures.stakes import stakes_of_plan
from fixtures.suites import load_suite
from reports.terminal import LiveView

MEASURED = "region-5xx"
BESIDE = ("region-refused", "region-silent", "slow-first-token", "stream-cut", "provider-outage")
_SEED = 1


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What one play of the measured test gave. Times in seconds; ``late`` are the fault's, on and off."""

    ttft_p50_s: float
    ttft_p99_s: float
    lag_p50_s: float
    lag_p99_s: float
    late_on_s: float
    late_off_s: float
    cpu_pressure: float | None
    verdicts: Mapping[str, Outcome]
    strays: int


def plan_of(count: int, seed: int) -> Plan:
    """Return the plan of the measured test and ``count - 1`` others, each with a seed, and so a key, of its own."""
    target, folder = load_target(str(REFERENCE_TARGET))
    options = GateOptions(
        target=target,
        folder=folder,
        topology=load_topology("slack"),
        suites=[("failover", load_suite("failover"))],
        seed=seed,
        name="side-by-side",
        only=[MEASURED, *BESIDE[: count - 1]],
        replay="python -m bench.side_by_side",
    )
    plan = make_plan(options)
    first = [test for test in plan.tests if test.test == MEASURED]
    others = [test for test in plan.tests if test.test != MEASURED]
    numbered = [msgspec.structs.replace(test, repeat=n, of=test.test) for n, test in enumerate(others, start=2)]
    return msgspec.structs.replace(plan, tests=[*first, *numbered])


def play(count: int, seed: int, folder: Path) -> Played:
    """Play the measured test beside ``count - 1`` others."""
    plan = plan_of(count, seed)
    target, here = load_target(str(REFERENCE_TARGET))
    run = RunDir.create(folder, plan.run)
    run.write_plan(plan)
    with guarded(stakes_of_plan(plan, ""), sys.argv) as live, LiveView(Console(quiet=True)) as view:
        live.runs_in(run.path, run.debts)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(play_real(plan, target, here, run, view, jobs=count))
    return read(plan, run)


def read(plan: Plan, run: RunDir) -> Played:
    """Return what the evidence says of the measured test."""
    client = [one for one in run.client() if one.test == MEASURED]
    phases = {one.phase: one for one in run.phases() if one.test == MEASURED}
    fault = plan.tests[0].injections[0]
    at_s = {one.event: one.at_s for one in run.faults() if one.test == MEASURED and one.injection == fault.id}
    due_s = phases["load-start"].at_s + fault.at_s
    ttfts_s = sorted(one.ttft_s for one in client if one.stream and one.ttft_s is not None)
    lags_s = sorted(one.sent_s - one.due_s for one in client)
    return Played(
        ttft_p50_s=_quantile(ttfts_s, 0.50),
        ttft_p99_s=_quantile(ttfts_s, 0.99),
        lag_p50_s=_quantile(lags_s, 0.50),
        lag_p99_s=_quantile(lags_s, 0.99),
        late_on_s=at_s["on"] - due_s,
        late_off_s=at_s["off"] - due_s - fault.for_s,
        cpu_pressure=phases.get("cpu-pressure", PhaseRecord(test="", phase="", at_s=0.0)).value,
        verdicts={one.id: one.outcome for one in judge(run).promises if one.test == MEASURED},
        strays=strays(run),
    )


def strays(run: RunDir) -> int:
    """Return how many requests, of all tests, reached an endpoint of a test that had not sent them."""
    sent: dict[str, set[str]] = {}
    for one in run.client():
        sent.setdefault(one.test, set()).add(one.canary)
    return sum(one.canary not in sent.get(one.test, set()) for one in run.provider())


def _quantile(ordered: Sequence[float], at: float) -> float:
    return ordered[min(int(at * len(ordered)), len(ordered) - 1)]


def table_of(played: Mapping[int, Sequence[Played]]) -> Table:
    """Return a row for each number of tests side by side, and each round of it."""
    alone = played[1][0]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    names = (
        "side by side",
        "TTFT p50",
        "TTFT p99",
        "lag p50",
        "lag p99",
        "fault on",
        "fault off",
        "CPU busy",
        "verdicts",
    )
    for name in (*names, "strays"):
        table.add_column(name, justify="right")
    for count, rounds in played.items():
        for one in rounds:
            table.add_row(
                str(count),
                _times(one.ttft_p50_s, alone.ttft_p50_s),
                _times(one.ttft_p99_s, alone.ttft_p99_s),
                _times(one.lag_p50_s, alone.lag_p50_s),
                _times(one.lag_p99_s, alone.lag_p99_s),
                f"{one.late_on_s * 1000:+.0f} ms",
                f"{one.late_off_s * 1000:+.0f} ms",
                "-" if one.cpu_pressure is None else f"{one.cpu_pressure:.0%}",
                _differing(one.verdicts, alone.verdicts),
                str(one.strays),
            )
    return table


def _times(figure_s: float, alone_s: float) -> str:
    ratio = f"{figure_s / alone_s:.2f}x" if alone_s > 0 else "-"
    return f"{ratio} ({figure_s * 1000:.1f} ms)"


def _differing(verdicts: Mapping[str, Outcome], alone: Mapping[str, Outcome]) -> str:
    other = [f"{name.rpartition('/')[2]} {outcome}" for name, outcome in verdicts.items() if alone[name] != outcome]
    return ", ".join(other) or "equal"


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description="What a test suffers from others beside it, in real time.")
    parser.add_argument("--beside", default="2,4,6", help="how many tests side by side (default: 2,4,6; at most 6)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is played (default: 1)")
    arguments = parser.parse_args()
    counts = [1, *(int(count) for count in arguments.beside.split(","))]
    if not all(1 <= count <= len(BESIDE) + 1 for count in counts):
        parser.error(f"--beside: from 1 to {len(BESIDE) + 1}")
    with tempfile.TemporaryDirectory() as folder:
        played = {count: [play(count, _SEED + n, Path(folder)) for n in range(arguments.rounds)] for count in counts}
    Console(width=160).print(table_of(played))


if __name__ == "__main__":
    main()
