"""``report.html``: one file that opens anywhere, offline, with an interactive timeline a test."""

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import msgspec
from plotly.offline import get_plotlyjs

from brownout.canary import without_values
from brownout.evidence import ClientRecord, ProviderRecord
from brownout.plan import PlannedInjection, TestPlan
from brownout.rundir import RunDir
from brownout.verdict import Promise
from reports.boundary import boundary_view, run_leaks
from reports.chart import chart, css_colour
from reports.leaks import Leak
from reports.reading import Evidence, read
from reports.story import compressed
from reports.timeline import Timeline, Window, load_start_s, timeline
from reports.wording import (
    TestOutcome,
    clean,
    duration,
    figure,
    headline,
    interval,
    left_out,
    longer,
    repeated,
    results,
    short_name,
    size,
    skip_reason,
)

View: TypeAlias = dict[str, Any]

_TEMPLATES = Path(__file__).parent / "templates"
_LOG = "target.log"
_LOG_LINES, _LOG_BYTES = 60, 64 * 1024
_OPEN_TESTS = 12


def render(run: RunDir) -> Path:
    """Write ``report.html`` into the run directory and return its path; raises `BadInput` when it was not judged."""
    path = run.file("report.html")
    path.write_text(page(run), encoding="utf-8")
    return path


def page(run: RunDir) -> str:
    """Return the report as one HTML document that asks no server for anything."""
    plan, verdicts, evidence = run.plan(), run.verdicts(), read(run)
    tests = results(verdicts, plan)
    lines = {test.test: timeline(_drawn(test), plan, evidence) for test in tests if test.repeats}
    drawn = {name: line for name, line in lines.items() if not line.is_empty}
    leaks = run_leaks(plan, evidence)
    charts = {
        f"t{number}": chart(drawn[test.test], leaks[_drawn(test).test])
        for number, test in enumerate(tests)
        if test.test in drawn
    }
    library, script = get_plotlyjs(), (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clean"] = clean
    environment.filters["compressed"] = compressed
    environment.filters["size"] = size
    return environment.get_template("report.html.j2").render(
        plan=plan,
        verdicts=verdicts,
        headline=headline(verdicts.promises),
        unpromised=any(promise.seen_all_the_same for promise in verdicts.promises),
        duration=duration(verdicts.duration_s),
        repeats=repeated(plan),
        longer=longer(plan),
        tests=[_test_view(test, f"t{number}", run, evidence, lines, leaks) for number, test in enumerate(tests)],
        unfold_all=len(tests) <= _OPEN_TESTS,
        boundary=boundary_view(plan, verdicts, evidence, leaks),
        problems=evidence.problems,
        run_path=str(run.path),
        plotly_js=library,
        script=script,
        charts=_embeddable(charts),
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script_hashes=" ".join(_csp_hash(text) for text in (library, script)),
    )


def log_tail(run: RunDir, test: str) -> str:
    """Return the last lines of a test's target log, or nothing when there is none inside the run directory.

    No canary's value is in them. Other words of a prompt may be: who knows that there are leaves the log out.
    """
    path = (run.path / test / _LOG).resolve()
    if not path.is_relative_to(run.path) or not path.is_file():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LOG_BYTES))
        text = log.read().decode("utf-8", "replace")
    return clean(without_values("\n".join(text.splitlines()[-_LOG_LINES:])), lines=True)


def _embeddable(value: object) -> str:
    """Return JSON that may stand inside a script element: no ``<`` can close it, no ``&`` can be misread."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _csp_hash(script: str) -> str:
    """Return the script's entry in the page's content security policy: no other script may run in it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _drawn(test: TestOutcome) -> TestPlan:
    """Return the repeat whose timeline is worth a look: the one with the first witness of the worst promise."""
    names = [name for promise in test.promises for name in promise.witnesses]
    numbered = {str(one.repeat): one for one in test.repeats[1:]}
    return numbered.get(names[0].rpartition(".")[2] if names else "", test.repeats[0])


def _test_view(
    test: TestOutcome,
    anchor: str,
    run: RunDir,
    evidence: Evidence,
    lines: dict[str, Timeline],
    leaks: dict[str, list[Leak]],
) -> View:
    line = lines.get(test.test)
    drawn = _drawn(test) if test.repeats else None
    played = [one.test for one in test.repeats] or [test.test]
    client = [record for name in played for record in evidence.client.get(name, [])]
    provider = [record for name in played for record in evidence.provider.get(name, [])]
    stories = _stories(test, evidence)
    log_of = drawn.test if drawn else test.test
    private = any(leak.way.place == _LOG for leak in leaks.get(log_of, []))
    return {
        "anchor": anchor,
        "name": test.test,
        "suite": test.suite,
        "outcome": test.outcome,
        "headline": headline(test.promises),
        "plan": test.plan,
        "left_out": left_out(test),
        "promises": [_promise_view(promise, test, stories) for promise in test.promises],
        "drawn": drawn.repeat if drawn else 1,
        "repeats": len(test.repeats),
        "line": line,
        "end_s": line.end_s if line else 0.0,
        "lanes": len(line.windows) + bool(leaks.get(log_of)) if line else 0,
        "faults": _fault_views(test, line),
        "requests": len(client),
        "clients": Counter(record.outcome for record in client).most_common(),
        "attempts": len(provider),
        "log": log_tail(run, log_of) if test.outcome in {"fail", "unknown"} and not private else "",
        "log_is_private": private,
    }


def _stories(test: TestOutcome, evidence: Evidence) -> dict[str, View]:
    """Return the story of each witness, by the name that it has in the verdicts."""
    stories: dict[str, View] = {}
    named = {name for promise in test.promises for name in promise.witnesses}
    for name, repeat in [(one.test, one.repeat) for one in test.repeats] or [(test.test, 1)]:
        suffix = "" if repeat == 1 else f".{repeat}"
        client, provider = evidence.client.get(name, []), evidence.provider.get(name, [])
        origin_s = load_start_s(evidence.phases.get(name, []), client)
        asked = {record.canary + suffix: record for record in client}
        tried: dict[str, list[ProviderRecord]] = {}
        for record in sorted(provider, key=lambda record: record.arrived_s):
            tried.setdefault(f"{record.canary or ''}{suffix}", []).append(record)
        for one in named & (asked.keys() | tried.keys()):
            stories[one] = _witness(one, asked.get(one), tried.get(one, []), origin_s)
    return {name: stories.get(name) or _witness(name, None, [], 0.0) for name in named}


def _promise_view(promise: Promise, test: TestOutcome, stories: dict[str, View]) -> View:
    return {
        "name": short_name(promise),
        "slo": promise.slo,
        "outcome": promise.outcome,
        "observed": figure(promise),
        "interval": interval(promise),
        "samples": promise.samples,
        "why": skip_reason(promise, test.plan) if promise.outcome == "skipped" else promise.why,
        "witnesses": [stories[name] for name in promise.witnesses],
    }


def _witness(name: str, seen: ClientRecord | None, attempts: list[ProviderRecord], origin_s: float) -> View:
    """Return the story of one request, from both ends."""
    return {
        "canary": name,
        "tenant": seen.tenant if seen else next((a.tenant for a in attempts if a.tenant), None),
        "due_s": seen.due_s - origin_s if seen else None,
        "seen": _seen(seen) if seen else "not in the clients' records",
        "attempts": [
            {"endpoint": a.endpoint, "after_s": a.arrived_s - (seen.due_s if seen else origin_s), "said": _said(a)}
            for a in attempts
        ],
    }


def _seen(record: ClientRecord) -> str:
    said = " ".join(part for part in (record.outcome, str(record.status or ""), record.error) if part)
    first = "" if record.ttft_s is None else f", first token after {record.ttft_s:.3f} s"
    return f"{said}{first}, ended after {record.e2e_s:.3f} s"


def _said(record: ProviderRecord) -> str:
    parts = [record.outcome, str(record.status or ""), record.refusal]
    return " ".join(part for part in parts if part)


def _fault_views(test: TestOutcome, line: Timeline | None) -> list[View]:
    """Return what each fault really did, in order; injections planned but never seen on come last."""
    windows = line.windows if line else []
    planned = {injection.id: injection for injection in (test.plan.injections if test.plan else [])}
    missing = [planned[name] for name in planned if name not in {window.injection for window in windows}]
    views = [_window_view(window, planned.get(window.injection)) for window in windows]
    return views + [
        {"label": f"{lost.fault} at {lost.at}", "colour": css_colour(lost.colour), "endpoints": lost.endpoints}
        | {"planned": lost, "window": None}
        for lost in missing
    ]


def _window_view(window: Window, planned: PlannedInjection | None) -> View:
    view = {"label": window.label, "colour": css_colour(window.colour), "endpoints": window.endpoints}
    return view | {"planned": planned, "window": window}
