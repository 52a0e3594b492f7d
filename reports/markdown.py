"""``summary.md``: what a reviewer reads in the pull request."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.verdict import Promise, Verdicts
from reports.boundary import first_stories
from reports.grades import line
from reports.wording import (
    TestOutcome,
    clean,
    duration,
    headline,
    left_out,
    longer,
    measured,
    repeated,
    results,
    skip_reason,
)

_SIGNS = {"pass": "✅", "fail": "❌", "unknown": "⚠️", "skipped": "⏭️"}
_WHY_CHARACTERS = 400  # A comment on a pull request has room for 65 536 characters; the whole text is in the report.
_NONE: Mapping[str, str] = MappingProxyType({})
_SPECIAL = re.compile(r"([\\`*\[\]|~])")


def render(run: RunDir) -> Path:
    """Write ``summary.md`` into the run directory and return its path; raises `BadInput` when it was not judged."""
    path = run.file("summary.md")
    plan, verdicts = run.plan(), run.verdicts()
    path.write_text(text(plan, verdicts, first_stories(run, plan, verdicts)), encoding="utf-8")
    return path


def text(plan: Plan, verdicts: Verdicts, stories: Mapping[str, str] = _NONE) -> str:
    """Return the summary as GitHub-flavoured Markdown: the outcome first, the replay line last.

    ``stories`` tell, by promise, what was first seen where it may not be.
    """
    word = "ABORTED" if verdicts.stopped else verdicts.outcome.upper()
    sections = [f"## {_SIGNS[verdicts.outcome]} {word}: {headline(verdicts.promises)}"]
    sections += [f"**Stopped before its end:** {escape(verdicts.stopped)}"] if verdicts.stopped else []
    sections.append(_facts(plan, verdicts))
    sections += [f"**Boundary:** {escape(proof)}"] if (proof := line(verdicts)) else []
    sections += [
        f"Took longer: {escape(why)} ({count} of {len(plan.groups())} tests)." for why, count in longer(plan).items()
    ]
    tests = results(verdicts, plan)
    sections += [_section(test, stories) for test in tests if test.outcome in {"fail", "unknown"}]
    sections += [_folded(test) for test in tests if test.outcome in {"pass", "skipped"}]
    sections.append("To run this again:\n\n" + fenced(plan.replay))
    return "\n\n".join(sections) + "\n"


def escape(value: str) -> str:
    """Return the text so that it is only text in a Markdown table: no cell, tag, link or emphasis comes out of it."""
    flat = _SPECIAL.sub(r"\\\1", clean(value))
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _facts(plan: Plan, verdicts: Verdicts) -> str:
    facts = {
        "Target": verdicts.target,
        "seed": str(verdicts.seed),
        "clock": plan.clock,
        "profile": plan.profile,
        "duration": duration(verdicts.duration_s),
        "started": verdicts.started_at,
        **({"overlooked by the clouds": ", ".join(plan.lenient)} if plan.lenient else {}),
    }
    if said := repeated(plan):
        facts["repeats"] = said
    return " · ".join(f"{name} **{escape(value)}**" for name, value in facts.items())


def _section(test: TestOutcome, stories: Mapping[str, str]) -> str:
    parts = [f"### {_SIGNS[test.outcome]} {_name(test)}: {test.outcome}"]
    if test.plan and test.plan.why:
        parts.append(f"_{escape(test.plan.why).strip('_')}_")
    parts.append(_table(test))
    told = [f"- `{promise.metric}` {escape(stories[promise.id])}" for promise in test.promises if promise.id in stories]
    return "\n\n".join([*parts, "\n".join(told)] if told else parts)


def _folded(test: TestOutcome) -> str:
    summary = f"{_SIGNS[test.outcome]} {_name(test)}: {headline(test.promises) if test.promises else test.outcome}"
    return f"<details><summary>{summary}</summary>\n\n{_table(test)}\n\n</details>"


def _name(test: TestOutcome) -> str:
    return escape(f"{test.suite}/{test.test}")


def _table(test: TestOutcome) -> str:
    if not test.promises:
        why = escape(left_out(test))
        return f"Not run: {why}." if why else "None of its promises was judged."
    rows = ["| promise | outcome | observed | samples | why |", "| --- | --- | ---: | ---: | --- |"]
    return "\n".join(rows + [_row(promise, test) for promise in test.promises])


def _row(promise: Promise, test: TestOutcome) -> str:
    why = skip_reason(promise, test.plan) if promise.outcome == "skipped" else clean(promise.why)
    if len(why) > _WHY_CHARACTERS:
        why = why[: _WHY_CHARACTERS - 1] + "…"
    outcome = f"**{promise.outcome}**" if promise.outcome in {"fail", "unknown"} else promise.outcome
    cells = [escape(promise.slo), outcome, escape(measured(promise)), str(promise.samples), escape(why)]
    return "| " + " | ".join(cells) + " |"


def fenced(line: str) -> str:
    """Return a command as a block of its own, whatever backticks are in it."""
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{clean(line)}\n{fence}"
