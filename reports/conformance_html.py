"""``conformance.html``: one file that opens anywhere, offline; failures first, with what went over the wire folded."""

from pathlib import Path
from typing import Any

import jinja2

from brownout.conformance import LEVELS, Captured, Conformance, Finding, standing, tally
from reports.wording import clean

_TEMPLATES = Path(__file__).parent / "templates"


def render(found: Conformance, folder: Path) -> Path:
    """Write ``conformance.html`` into a folder and return its path."""
    path = folder / "conformance.html"
    path.write_text(page(found), encoding="utf-8")
    return path


def page(found: Conformance) -> str:
    """Return the report as one HTML document that asks no server for anything and runs no script."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clean"] = clean
    environment.filters["wire"] = wire
    return environment.get_template("conformance.html.j2").render(
        found=found,
        levels=[
            (level, about, standing(found.findings, level), tally(found.findings, level))
            for level, about in LEVELS.items()
        ],
        groups=_groups(found),
        css=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
    )


def _groups(found: Conformance) -> list[dict[str, Any]]:
    """Return the findings by outcome, worst first, core before extended."""
    titles = {"fail": "Failed", "unknown": "Could not be judged", "skipped": "Skipped", "pass": "Passed"}
    groups = []
    for outcome, title in titles.items():
        its = sorted(_of(found, outcome), key=lambda one: (one.level != "core", one.id))
        if its:
            groups.append({"outcome": outcome, "title": title, "findings": its})
    return groups


def _of(found: Conformance, outcome: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.outcome == outcome]


def wire(captured: Captured) -> str:
    r"""Return an exchange as text: what is no readable character is spelled out (``\x0b``)."""
    parts = [_readable(captured.request), _readable(captured.reply) or "(no reply)"]
    if captured.problem:
        parts.append(f"({clean(captured.problem)})")
    return "\n\n".join(parts)


def _readable(data: bytes) -> str:
    return clean(data.replace(b"\r\n", b"\n").decode("utf-8", "backslashreplace"), lines=True)
