"""Whoever reads brownout's output may leave: what was begun is finished, and no exit code is made of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from brownout.rundir import RunDir
from brownout.verdict import ExitCode

CLI = [sys.executable, "-m", "brownout.cli"]
GATE = ["gate", "--clock", "virtual", "--profile", "smoke", "--test", "region-5xx", "--seed", "3"]


def _left_alone(*words: str, cwd: Path) -> tuple[int, str]:
    """Run a command whose standard output nobody reads; return its exit code and what it said on the other one."""
    with subprocess.Popen([*CLI, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd) as run:  # noqa: S603 - ours
        assert run.stdout
        assert run.stderr
        run.stdout.close()
        said = run.stderr.read()
        return run.wait(60), said


def test_a_gate_that_nobody_reads_is_judged_all_the_same(tmp_path: Path) -> None:
    """Its exit code is the verdict's, and the verdict is on disk: 1 would say that the router is broken."""
    assert (ExitCode.PASS, "") == _left_alone(*GATE, cwd=tmp_path)
    assert "pass" == RunDir.open(tmp_path / "runs" / "gate" / "latest").verdicts().outcome


@pytest.mark.parametrize("words", [[*GATE, "--json"], ["faults", "--json"]])
def test_what_a_machine_was_to_read_and_did_not_is_aborted(tmp_path: Path, words: list[str]) -> None:
    """No verdict, and no bug of ours."""
    code, said = _left_alone(*words, cwd=tmp_path)
    assert (ExitCode.ABORTED, False) == (code, "bug in brownout" in said)
