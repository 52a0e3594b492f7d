"""Every target that ships can be planned for and judged: what it does not declare is skipped, and never an error."""

from pathlib import Path

import pytest

from brownout.judge import judge
from brownout.rundir import RunDir
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions, make_plan
from fixtures.suites import all_suites

TARGETS = sorted(path.stem for path in REFERENCE_TARGET.parent.glob("*.yaml") if ".config." not in path.name)
TOPOLOGIES = sorted(path.stem for path in (REFERENCE_TARGET.parents[1] / "topologies").glob("*.yaml"))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_full_plan_that_can_be_judged(tmp_path: Path, name: str, topology: str) -> None:
    """On each topology that ships, every suite is planned whole; of what was not played nothing is called red."""
    target, folder = load_target(str(Path(REFERENCE_TARGET).with_stem(name)))
    options = GateOptions(
        target=target, folder=folder, topology=load_topology(topology), suites=all_suites(), profile="full"
    )

    plan = make_plan(options)

    run = RunDir(tmp_path)
    run.write_plan(plan)
    promises = judge(run).promises
    assert [] == [test.test for test in plan.tests if not test.promises]
    assert [] == [promise.id for promise in promises if promise.outcome not in {"unknown", "skipped"}]
