"""``conformance.yaml``: what a conformance run found, for machines and for comparing runs.

schema: brownout.conformance/1
endpoint, dialect, model, started_at      what was asked, and when (UTC)
outcome: pass | fail | unknown            fail over unknown over pass; nothing passed is unknown
versions: {brownout, python, openai, ...} of what judged
without: [feature]                        declared absent on the command line
requests: 70                              sent and captured (an SDK's own are not)
command: brownout conform ...             runs it again
summary:
  core: {outcome, passed, failed, unknown, skipped}        outcome also "partial": nothing failed, some skipped
  extended: {...}
features: {seen: [...], absent: [...]}    from checks that passed, and from those that saw a feature absent
checks:                                   by id
  - {id, level, outcome, needs?, requires, source, expected?, observed?, why?, reproduction?}
"""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from brownout.conformance import LEVELS, Conformance, Finding, standing, tally
from reports.wording import clean

SCHEMA = "brownout.conformance/1"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def render(found: Conformance, folder: Path) -> Path:
    """Write ``conformance.yaml`` into a folder and return its path."""
    path = folder / "conformance.yaml"
    path.write_text(document(found), encoding="utf-8")
    return path


def document(found: Conformance) -> str:
    """Return the report as YAML."""
    return yaml.dump(_data(found), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _data(found: Conformance) -> dict[str, Any]:
    skipped = {one.needs[0] for one in found.findings if one.outcome == "skipped" and one.needs}
    absent = sorted(skipped | set(found.without))
    seen = sorted({feature for one in found.findings if one.outcome == "pass" for feature in one.needs})
    return {
        "schema": SCHEMA,
        "endpoint": clean(found.endpoint),
        "dialect": found.dialect,
        "model": clean(found.model),
        "started_at": found.started_at,
        "outcome": found.outcome,
        "versions": dict(found.versions),
        "without": list(found.without),
        "requests": found.requests,
        "command": clean(found.command),
        "summary": {
            level: {"outcome": standing(found.findings, level), **msgspec.structs.asdict(tally(found.findings, level))}
            for level in LEVELS
        },
        "features": {"seen": seen, "absent": absent},
        "checks": [_check(finding) for finding in sorted(found.findings, key=lambda one: one.id)],
    }


def _check(finding: Finding) -> dict[str, Any]:
    words = {"expected": finding.expected, "observed": finding.observed, "why": finding.why}
    said = {name: clean(text) for name, text in words.items() if text}
    how = {"reproduction": clean(finding.reproduction, lines=True)} if finding.reproduction else {}
    head = {"id": finding.id, "level": finding.level, "outcome": finding.outcome}
    needs = {"needs": list(finding.needs)} if finding.needs else {}
    return head | needs | {"requires": finding.requires, "source": finding.source} | said | how
