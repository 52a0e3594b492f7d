"""A small run directory, written out by hand, with every outcome and with strings that mean harm."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from brownout.evidence import ClientRecord, FaultRecord, Journal, PhaseRecord, ProviderRecord
from brownout.plan import Plan, PlannedInjection, TestPlan
from brownout.rundir import RunDir
from brownout.topology import Endpoint, Tenant, Topology
from brownout.verdict import Outcome, Promise, Verdicts
from brownout.workload import Workload

GOLDEN = Path(__file__).parent / "golden"
REWRITE = "BROWNOUT_REWRITE_GOLDEN"
HOSTILE = "a|b\n</script><script>alert(1)</script> [red]x[/red] \x1b[31m \u202eevil ]]> & `tick` é漢"


def _endpoint(name: str, region: str) -> Endpoint:
    return Endpoint(
        name=name,
        cloud="aws",
        provider="bedrock",
        region=region,
        capacity="on-demand",
        dialect="bedrock-converse",
        model="m",
    )


def _injection(name: str, at: str, at_s: float) -> PlannedInjection:
    return PlannedInjection(
        id=name, fault="region-down", settings={}, at=at, endpoints=["east"], at_s=at_s, for_s=2, colour="#c0392b"
    )


def _test(name: str, suite: str, promises: dict[str, str], **more: Any) -> TestPlan:
    facts: dict[str, Any] = {
        "test": name,
        "suite": suite,
        "why": "Because.",
        "promises": promises,
        "recover_within_s": 2,
    }
    facts |= {"workload": Workload(duration_s=6), "injections": []}
    return TestPlan(**(facts | more))


@pytest.fixture
def plan() -> Plan:
    """Return a plan of five tests: broken, unproven, kept, skipped whole, and one that nobody judged."""
    slos = {"success": "success >= 0.99", "ttft": "ttft p99 <= 1 s"}
    return Plan(
        run="gate",
        target="router <v1>",
        dialect="openai-chat",
        clock="virtual",
        profile="quick",
        seed=7,
        replay="brownout gate --target 'r & d.yaml' --seed 7",
        topology=Topology(
            topology="two",
            endpoints=[_endpoint("east", "us-east-1"), _endpoint("west", "us-west-2")],
            tenants={"acme": Tenant(allow=["east", "west"]), "europa": Tenant(allow=["west"])},
        ),
        tests=[
            _test("kept", "boundary", slos, lacking={"ttft": ["streaming"]}),
            _test(
                "broken",
                "failover",
                slos | {"back": "recovers within 2 s"},
                injections=[_injection("i1", "east", 2), _injection("i2", HOSTILE, 4)],
                why=HOSTILE,
            ),
            _test("unproven", "failover", slos),
            _test("left-out", "capacity", {"success": slos["success"]}, skipped=["gpu"]),
            _test("forgotten", "capacity", slos),
        ],
    )


@pytest.fixture
def verdicts() -> Verdicts:
    """Return verdicts with every outcome."""

    def promise(suite: str, test: str, name: str, slo: str, outcome: Outcome, **more: Any) -> Promise:
        facts: dict[str, Any] = {"observed": None, "unit": "ratio", "samples": 0, "witnesses": [], "why": ""}
        return Promise(
            **({"id": f"{suite}/{test}/{name}", "suite": suite, "test": test, "slo": slo, "outcome": outcome} | facts)
            | more
        )

    success, ttft = "success >= 0.99", "ttft p99 <= 1 s"
    return Verdicts(
        outcome="fail",
        target="router <v1>",
        seed=7,
        started_at="2026-01-31T09:12:44Z",
        duration_s=63.25,
        promises=[
            promise(
                "boundary",
                "kept",
                "success",
                success,
                "pass",
                observed=1.0,
                samples=60,
                why="all served",
                low=0.9568,
                high=1.0,
            ),
            promise("boundary", "kept", "ttft", ttft, "skipped", unit="s"),
            promise("failover", "broken", "success", success, "pass", observed=0.995, samples=60, why="kept"),
            promise(
                "failover",
                "broken",
                "ttft",
                ttft,
                "fail",
                observed=2.40713,
                unit="s",
                samples=6,
                low=2.1,
                witnesses=["broken-1", HOSTILE, "broken-3", "gone"],
                why=HOSTILE,
            ),
            promise("failover", "broken", "back", "recovers within 2 s", "fail", unit="s", why="it never recovered"),
            promise("failover", "unproven", "success", success, "unknown", why="the fault never fired"),
            promise("failover", "unproven", "ttft", ttft, "unknown", unit="s", why="no samples"),
            promise("capacity", "left-out", "success", success, "skipped"),
        ],
    )


@pytest.fixture
def bare(tmp_path: Path, plan: Plan, verdicts: Verdicts) -> RunDir:
    """Return a judged run of which no evidence is left."""
    (tmp_path / "run").mkdir()
    run = RunDir(tmp_path / "run")
    run.write_plan(plan)
    run.file("verdicts.json").write_bytes(msgspec.json.encode(verdicts))
    return run


@pytest.fixture
def run(bare: RunDir) -> RunDir:
    """Return a judged run with the evidence of one test: six requests a second apart, epoch one second before load."""
    written: dict[str, list[msgspec.Struct]] = {
        "client.jsonl": [*map(_client, range(6))],
        "provider.jsonl": [*map(_refused, (2, 3)), *map(_served, range(6))],
        "faults.jsonl": [
            _fault("i1", "east", "on", 3.0),
            _fault("i1", "east", "off", 5.0, fired=2, undone=True),
            _fault("i2", HOSTILE, "on", 5.0, why=HOSTILE),
        ],
        "phases.jsonl": [
            PhaseRecord(test="broken", phase="load-start", at_s=1.0),
            PhaseRecord(test="broken", phase="load-end", at_s=7.0),
        ],
    }
    for name, records in written.items():
        journal = Journal(bare.file(name))
        for record in records:
            journal.write(record)
        journal.close()
    bare.folder("broken").joinpath("target.log").write_text(f"first line\n{HOSTILE}\nlast words\n")
    return bare


def _client(number: int) -> ClientRecord:
    bad = number == 3
    return ClientRecord(
        test="broken",
        canary=f"broken-{number}",
        tenant=HOSTILE if bad else "acme",
        traffic_class="interactive",
        stream=True,
        due_s=1.5 + number,
        sent_s=1.5 + number,
        end_s=2.0 + number,
        outcome="truncated" if bad else "ok",
        error=HOSTILE if bad else "",
        first_token_s=None if bad else 1.6 + number + 0.1 * number,
    )


def _refused(number: int) -> ProviderRecord:
    at_s = 1.5 + number
    facts: dict[str, Any] = {
        "test": "broken",
        "canary": f"broken-{number}",
        "tenant": "europa",
        "status": 503,
        "refusal": HOSTILE,
    }
    return ProviderRecord(endpoint="east", arrived_s=at_s, end_s=at_s + 0.01, outcome="refused", **facts)


def _served(number: int) -> ProviderRecord:
    at_s = 1.55 + number
    facts: dict[str, Any] = {"test": "broken", "canary": f"broken-{number}", "tenant": "acme", "status": 200}
    return ProviderRecord(endpoint="west", arrived_s=at_s, end_s=at_s + 0.4, outcome="ok", **facts)


def _fault(injection: str, at: str, event: Literal["on", "off"], at_s: float, **more: Any) -> FaultRecord:
    facts: dict[str, Any] = {"test": "broken", "fault": "region-down", "endpoints": ["east"]}
    return FaultRecord(**facts, injection=injection, at=at, event=event, at_s=at_s, **more)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Return a check of a text against ``golden/NAME``; the environment's BROWNOUT_REWRITE_GOLDEN=1 rewrites it."""

    def check(name: str, actual: str) -> None:
        path = GOLDEN / name
        if os.environ.get(REWRITE):
            path.parent.mkdir(exist_ok=True)
            path.write_text(actual, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == actual

    return check
