"""One seed makes one history, byte for byte, in virtual time."""

import os
import subprocess
import sys
from pathlib import Path

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
        suites=[("failover", [one for one in load_suite("failover") if one.test == "region-5xx"])],
        clock="virtual",
        seed=seed,
    )
)
run = RunDir(folder)
run.write_plan(plan)
play_virtual(plan, target, router_named(target), run)
"""


def test_one_seed_makes_one_history_and_another_seed_another(tmp_path: Path) -> None:
    """Another process with other hashes writes the same bytes; another seed does not."""
    running = {
        name: subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-c", PLAY, str(_made(tmp_path / name)), seed],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name, seed, hashes in (("once", "1", "1"), ("again", "1", "4242"), ("other", "2", "1"))
    }
    for process in running.values():
        said, _ = process.communicate(timeout=100)
        assert 0 == process.returncode, said.decode()
    for file in FILES:
        once = (tmp_path / "once" / file).read_bytes()
        assert once
        assert once == (tmp_path / "again" / file).read_bytes(), file
    for file in FILES[:2]:
        assert (tmp_path / "once" / file).read_bytes() != (tmp_path / "other" / file).read_bytes(), file


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
