"""Evidence says whose data was seen, and never what it was: not even that of a router that leaks."""

from pathlib import Path

import pytest

from brownout.canary import CanaryMint, run_key
from brownout.rundir import RunDir
from brownout.scanning import Scanner
from brownout.verdict import Verdicts
from brownout.workload import DueRequest
from fixtures.gate import judge_virtual
from fixtures.routers import REFERENCE, embedded_routers
from fixtures.written import SCRATCH
from loadgen.prompts import prompt
from reports import render_all
from suites.selftest.leaks import LEAKS
from tests.options import reference_options

SEED = 4


def played(name: str, folder: Path, test: str) -> Verdicts:
    """Play a boundary's test on a router, and render all reports."""
    options = reference_options(only=[test], clock="virtual", profile="full", seed=SEED)
    verdicts = judge_virtual(options, folder, embedded_routers()[name])
    render_all(RunDir(folder))
    return verdicts


def bearing(folder: Path) -> list[str]:
    """Return the evidence files that bear a canary's value, under whatever spelling, or a piece of a prompt."""
    run = RunDir(folder)
    (test,) = run.plan().tests
    mint = CanaryMint(run_key(run.plan().seed_of(test)), list(run.plan().topology.tenants))
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        # What a target wrote into its own folder is its own, and no evidence.
        if not path.is_file() or SCRATCH in inside[1:2]:
            continue
        scanner = Scanner(mint)
        data = path.read_bytes()
        if [*scanner.feed(data), *scanner.close()] or PIECE in data:
            found.append("/".join(inside))
    return found


PIECE = b" amber basin cedar delta ember "
"""What prompts are made of: five words of any that is long enough."""


def test_prompts_have_that_piece() -> None:
    """Else looking for it proves nothing."""
    due = DueRequest(
        number=0,
        due_s=0.0,
        tenant="acme",
        traffic_class="interactive",
        stream=True,
        prompt_tokens=400,
        output_tokens=9,
    )
    assert PIECE.decode() in prompt(due, "x")


@pytest.mark.parametrize("name", [REFERENCE, *LEAKS])
def test_no_value_of_a_canary_and_no_prompt_is_in_evidence(name: str, tmp_path: Path) -> None:
    """Neither of the router that keeps everything, nor of one that leaks; what has leaked is told by its id."""
    test = LEAKS[name].seen_in if name in LEAKS else "inside-while-failing-over"
    verdicts = played(name, tmp_path / "run", test)

    assert [] == bearing(tmp_path / "run")
    red = {one.slo.split()[0] for one in verdicts.promises if one.outcome == "fail"}
    assert ({LEAKS[name].caught_by} if name in LEAKS else set()) <= red
    assert (name in LEAKS) == bool(red)
