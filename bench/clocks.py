"""How much faster than real time the virtual clock plays a scenario at 20 streamed requests a second.

    python -m bench.clocks

It plays ``region-5xx`` on the virtual clock at 20 requests/s, all streamed, and prints virtual seconds per second of
this machine. The ratio is what is claimed; the seconds are this machine's.
"""

import sys
import tempfile
from pathlib import Path

import msgspec

from brownout.clock import monotonic_s
from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions, make_plan, play_virtual
from fixtures.routers import REFERENCE, embedded_routers
from fixtures.suites import load_suite

RATE_RPS = 20.0
ROUNDS = 3


def busy_plan() -> tuple[Plan, object]:
    """Return the plan of one test at `RATE_RPS`, every request streamed."""
    target, folder = load_target(str(REFERENCE_TARGET))
    options = GateOptions(
        target=target,
        folder=folder,
        topology=load_topology("slack"),
        suites=[("failover", load_suite("failover"))],
        clock="virtual",
        only=["region-5xx"],
    )
    plan = make_plan(options)
    test = plan.tests[0]
    arrival = msgspec.structs.replace(test.workload.arrival, rate_rps=RATE_RPS)
    workload = msgspec.structs.replace(test.workload, arrival=arrival, stream_share=1.0)
    return msgspec.structs.replace(plan, tests=[msgspec.structs.replace(test, workload=workload)]), target


def ratio() -> float:
    """Play the plan once; return virtual seconds per real second."""
    plan, target = busy_plan()
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder))
        run.write_plan(plan)
        began_s = monotonic_s()
        play_virtual(plan, target, embedded_routers()[REFERENCE], run)  # type: ignore[arg-type]
        return plan.tests[0].workload.duration_s / (monotonic_s() - began_s)


def main() -> None:
    """Print the ratio of each round."""
    ratios = [ratio() for _ in range(ROUNDS)]
    rounds = ", ".join(f"{one:.0f}x" for one in ratios)
    sys.stdout.write(f"virtual clock at {RATE_RPS:g} streamed requests/s: {rounds} real time (aim: at least 10x)\n")


if __name__ == "__main__":
    main()
