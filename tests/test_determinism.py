"""One seed makes one history, byte for byte, in virtual time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = ["client.jsonl", "provider.jsonl", "faults.jsonl", "phases.jsonl"]
PLAY = """
import sys
from pathlib import Path
from brownout.rundir import RunDir
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions, make_plan, play_virtual
from fixtures.routers import router_named
from fixtures.suites import load_suite

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
target, here = load_target(str(REFERENCE_TARGET))
plan = make_plan(
    GateOptions(
        target=target,
        folder=here,
        topology=load_topology("slack"),
        suites=[("failover", load_suite("failover"))],
        clock="virtual",
        seed=seed,
        only="region-5xx",
    )
)
run = RunDir(folder)
run.write_plan(plan)
play_virtual(plan, target, router_named(target), run)
"""


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """Play one scenario in three processes: twice with one seed, whose hashes differ, and once with another seed."""
    folders, running = {}, []
    for name, seed, hashes in (("once", "1", "1"), ("again", "1", "4242"), ("other", "2", "1")):
        folders[name] = tmp_path_factory.mktemp(name)
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", PLAY, str(folders[name]), seed],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
    for process in running:
        said, _ = process.communicate(timeout=100)
        assert 0 == process.returncode, said.decode()
    return {name: {file: (folder / file).read_bytes() for file in FILES} for name, folder in folders.items()}


@pytest.mark.parametrize("file", FILES)
def test_one_seed_makes_one_history(histories: dict[str, dict[str, bytes]], file: str) -> None:
    """Another process, other hashes: the same bytes."""
    assert histories["once"][file]
    assert histories["once"][file] == histories["again"][file]


@pytest.mark.parametrize("file", ["client.jsonl", "provider.jsonl"])
def test_another_seed_makes_another_history(histories: dict[str, dict[str, bytes]], file: str) -> None:
    """A history depends on its seed."""
    assert histories["once"][file] != histories["other"][file]
