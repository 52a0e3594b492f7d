"""The gate as its users meet it: its files, its output, its exit codes. On the virtual clock, so that it is quick."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

CLI = [sys.executable, "-m", "brownout.cli"]
FILES = [
    "client.jsonl",
    "credentials.jsonl",
    "egress.jsonl",
    "env.json",
    "faults.jsonl",
    "junit.xml",
    "layers.jsonl",
    "phases.jsonl",
    "plan.yaml",
    "provider.jsonl",
    "report.html",
    "summary.md",
    "tape.jsonl",
    "telemetry.jsonl",
    "verdicts.json",
]
TOPOLOGY = """\
topology: two-pools
endpoints:
  - {name: near, cloud: own, provider: pool, region: here, capacity: gpu, dialect: openai-chat, model: m}
  - {name: far, cloud: own, provider: pool, region: there, capacity: gpu, dialect: openai-chat, model: m}
  - {name: other, cloud: rented, provider: pool, region: elsewhere, capacity: on-demand, dialect: openai-chat, model: m}
tenants:
  everyone: {allow: [near, far, other]}
"""


def _brownout(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*CLI, *words], capture_output=True, text=True, check=False, timeout=90)  # noqa: S603 - ours


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> "tuple[subprocess.CompletedProcess[str], Path]":
    """One run of the gate on the reference router."""
    out = tmp_path_factory.mktemp("green")
    done = _brownout("gate", "--clock", "virtual", "--seed", "4", "--test", "region-5xx", "--out", str(out))
    return done, out / "gate" / "latest"


def _promises(run: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((run / "verdicts.json").read_text())["promises"]
    return found


def test_a_run_leaves_its_plan_its_evidence_and_every_report(
    green: "tuple[subprocess.CompletedProcess[str], Path]",
) -> None:
    """The folder holds all that is needed to judge again, and all that people read."""
    _, run = green

    assert FILES == sorted(path.name for path in run.iterdir() if path.is_file())


def test_the_seed_comes_first_and_the_replay_line_last(
    green: "tuple[subprocess.CompletedProcess[str], Path]",
) -> None:
    """Whoever sees only the ends of the output can run it again."""
    done, _ = green
    lines = done.stdout.strip().splitlines()

    assert 0 == done.returncode
    assert ["seed", "4"] == lines[0].split()
    assert lines[-1].startswith("replay: brownout gate")
    assert "--seed 4" in lines[-1]


def test_verdicts_have_the_fields_that_others_rely_on(
    green: "tuple[subprocess.CompletedProcess[str], Path]",
) -> None:
    """verdicts.json keeps its contract."""
    _, run = green
    verdicts = json.loads((run / "verdicts.json").read_text())

    assert ["outcome", "target", "seed", "started_at", "duration_s", "promises", "stopped"] == list(verdicts)
    fields = ["id", "suite", "test", "slo", "outcome", "observed", "unit", "samples", "witnesses", "why"]
    fields += ["low", "high", "repeats", "grade", "grade_why", "seen_all_the_same"]
    assert [fields] * len(verdicts["promises"]) == [list(promise) for promise in verdicts["promises"]]


def test_judging_again_gives_the_same_bytes(green: "tuple[subprocess.CompletedProcess[str], Path]") -> None:
    """A verdict follows from the evidence alone."""
    _, run = green
    before = (run / "verdicts.json").read_bytes()

    done = _brownout("judge", str(run))

    assert 0 == done.returncode
    assert before == (run / "verdicts.json").read_bytes()


def test_evidence_bears_no_prompt_and_no_canary(green: "tuple[subprocess.CompletedProcess[str], Path]") -> None:
    """A canary's id is in the evidence, never its value; no private key stays in the folder."""
    _, run = green
    texts = [path.read_text(errors="replace") for path in run.rglob("*") if path.is_file() and path.suffix != ".html"]

    assert [] == [text[:80] for text in texts if "CNRY" in text or "PRIVATE KEY" in text]


def test_junit_counts_every_promise(green: "tuple[subprocess.CompletedProcess[str], Path]") -> None:
    """One test case a promise."""
    _, run = green

    assert len(_promises(run)) == len(list(ET.parse(run / "junit.xml").iter("testcase")))  # noqa: S314 - our own file


def test_json_is_all_there_is_on_standard_output(tmp_path: Path) -> None:
    """A machine reads stdout; people read stderr."""
    done = _brownout(
        "gate", "--clock", "virtual", "--seed", "4", "--test", "stream-cut", "--json", "--out", str(tmp_path)
    )

    assert "pass" == json.loads(done.stdout)["outcome"]
    assert "replay: " in done.stderr


def test_a_broken_router_is_red_with_witnesses(tmp_path: Path) -> None:
    """Exit code 1, the promise named, and requests that show it, each to be found in the evidence."""
    target = tmp_path / "planted.yaml"
    target.write_text("target: planted\nembedded: crosses-boundary\nurl: http://127.0.0.1:1\n")
    words = ["--target", str(target), "--test", "no-legal-alternative", "--seed", "4", "--out", str(tmp_path)]
    done = _brownout("gate", "--clock", "virtual", *words)

    run = tmp_path / "gate" / "latest"
    red = [promise for promise in _promises(run) if promise["outcome"] == "fail"]
    seen = {json.loads(line)["canary"] for line in (run / "client.jsonl").read_text().splitlines()}
    assert 1 == done.returncode
    assert ["boundary_violations <= 0"] == [promise["slo"] for promise in red]
    assert red[0]["witnesses"]
    assert set() == set(red[0]["witnesses"]) - seen


def test_an_undeclared_feature_skips_its_promises_by_name(tmp_path: Path) -> None:
    """A target is held to what it declares, and the report says what was left out."""
    target = tmp_path / "modest.yaml"
    target.write_text("target: modest\nembedded: reference\nurl: http://127.0.0.1:1\ndeclares: [failover]\n")
    words = ["--target", str(target), "--test", "region-5xx", "--seed", "4", "--out", str(tmp_path)]
    done = _brownout("gate", "--clock", "virtual", *words)

    skipped = [promise for promise in _promises(tmp_path / "gate" / "latest") if promise["outcome"] == "skipped"]
    assert 0 == done.returncode
    assert {
        "the target does not declare: breaker",
        "the target does not declare: fail-back",
        "the target does not declare: partial-open",
        "the target does not declare: retry-budget",
        "the target does not declare: streaming",
        "the target does not declare: tenant-boundary",
    } == {promise["why"] for promise in skipped}


def test_any_topology_can_be_judged(tmp_path: Path) -> None:
    """Suites name places by their role; what a topology lacks is skipped, and said."""
    topology = tmp_path / "two-pools.yaml"
    topology.write_text(TOPOLOGY)
    done = _brownout(
        "gate", "--clock", "virtual", "--topology", str(topology), "--seed", "4", "--out", str(tmp_path), "--json"
    )

    verdicts = json.loads(done.stdout)
    left_out = {promise["why"] for promise in verdicts["promises"] if promise["outcome"] == "skipped"}
    broken = [promise for promise in verdicts["promises"] if promise["outcome"] in ("fail", "unknown")]
    assert [] == broken
    assert 0 == done.returncode
    no_such_thing = {
        "a tenant that may use nothing in the primary region",
        "an endpoint beside the faulted one in its region",
        "an endpoint of capacity provisioned",
        "a second tenant that may use the primary endpoint",
        "an endpoint whose credentials end (AWS, Google)",
        "endpoints of two dialects",
    }
    assert no_such_thing == {why.removeprefix("the topology has no such thing: ") for why in left_out}
