"""Game days for tests: small ones as text, the shipped ones by name, and how to play either in virtual time."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from brownout.gameday import Script, load_gameday
from brownout.judge import judge
from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.target import load_target
from brownout.verdict import Verdicts
from fixtures.catalogue import REFERENCE_TARGET
from fixtures.gameday import DayOptions, make_gameday_plan, topology_of
from fixtures.gate import play_virtual
from fixtures.routers import embedded_routers

SHIPPED = Path(__file__).resolve().parents[2] / "suites" / "gamedays"
SMALL: dict[str, Any] = {
    "gameday": "small",
    "why": "to be read by tests",
    "sources": ["https://example.test/incident"],
    "happened": "once",
    "compression": 60,
    "load": {"rate_rps": 10, "duration_s": 30},
    "timeline": [{"fault": "region-down", "at": "us-east-1", "at_s": 8, "for_s": 6, "settings": {"how": "5xx"}}],
    "must": ["availability >= 50%"],
}


def write(folder: Path, day: dict[str, Any]) -> Path:
    """Write a game day as YAML, a line a field, and return its path."""
    path = folder / "day.yaml"
    path.write_text(yaml.safe_dump(day, sort_keys=False))
    return path


def resolved(path: Path, *, seed: int | None = None, router: str = "reference") -> Plan:
    """Return the plan of a game day's file, for an embedded router in virtual time."""
    target, folder = load_target(str(REFERENCE_TARGET))
    script: Script = load_gameday(path)
    return make_gameday_plan(
        DayOptions(
            script=script,
            target=msgspec.structs.replace(target, target=router, embedded=router),
            folder=folder,
            topology=topology_of(script, path),
            clock="virtual",
            seed=seed,
            replay="",
        )
    )


def played(plan: Plan, folder: Path) -> tuple[RunDir, Verdicts]:
    """Play a plan in virtual time and judge it."""
    run = RunDir(folder)
    run.write_plan(plan)
    target, _ = load_target(str(REFERENCE_TARGET))
    play_virtual(plan, target, embedded_routers()[plan.target], run)
    return run, judge(run)
