"""The same promises on both clocks get the same verdicts. In real time, so it is run alone (`make test`)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = ["region-5xx", "stream-cut", "no-legal-alternative"]
ROUTERS = ["reference", "no-failover", "truncation-as-success"]
TARGET = """\
target: {name}
embedded: {name}
start:
  command: ["{{python}}", -m, suites.selftest.planted, {name}, --world, "{{world}}", --port, "{{port}}"]
recover_within_s: 10
"""


def _gate(name: str, clock: str, folder: Path) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "brownout.cli", "gate", "--clock", clock, "--seed", "11", "--json"]
    words += ["--out", str(folder / clock)]
    for test in TESTS:
        words += ["--test", test]
    if name != "reference":
        target = folder / f"{name}.yaml"
        target.write_text(TARGET.format(name=name))
        words += ["--target", str(target)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours


def _outcomes(gate: "subprocess.Popen[str]") -> tuple[int, dict[str, str]]:
    out, said = gate.communicate(timeout=110)
    assert out, said
    promises = json.loads(out)["promises"]
    # Only a router with a process of its own can exit.
    return gate.returncode, {p["id"]: p["outcome"] for p in promises if not p["id"].endswith("target_exits")}


@pytest.mark.real_time
@pytest.mark.parametrize("name", ROUTERS)
def test_a_promise_has_the_same_verdict_on_both_clocks(name: str, tmp_path: Path) -> None:
    """Virtual time is not another world: what it calls red is red on real processes, and green is green."""
    real, virtual = _gate(name, "real", tmp_path), _gate(name, "virtual", tmp_path)

    assert _outcomes(virtual) == _outcomes(real)
