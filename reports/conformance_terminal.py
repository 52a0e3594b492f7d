"""A conformance run on a terminal: a line that moves, then what failed in full, what was skipped and why, counts."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from brownout.conformance import LEVELS, Check, Conformance, Finding, standing, tally
from reports.verdict_table import STYLES
from reports.wording import WORST_FIRST, clean

_LEVEL_STYLES = STYLES | {"partial": "yellow"}


class ConformanceView:
    """Follows a run. A context manager.

    Args:
        console: where to.
        total: how many checks there are.
    """

    def __init__(self, console: Console, *, total: int) -> None:
        self._console = console
        self._counts: dict[str, int] = dict.fromkeys(WORST_FIRST, 0)
        self._progress = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, endpoint: str, dialect: str, model: str) -> None:
        """Say what is about to be judged."""
        for name, value in {"endpoint": endpoint, "dialect": dialect, "model": model}.items():
            self._console.print(Text.assemble((f"{name:<9}", "dim"), clean(value)), soft_wrap=True)

    def started(self, check: Check) -> None:
        """Show which check runs."""
        self._progress.update(self._task, description=f"{self._said()} {check.name}")

    def ended(self, finding: Finding) -> None:
        """Count what a check found; a failure is said at once."""
        self._counts[finding.outcome] += 1
        self._progress.update(self._task, advance=1, description=self._said())
        if finding.outcome == "fail":
            line = Text.assemble(("fail     ", STYLES["fail"]), finding.id, f"  {clean(finding.observed)}")
            self._console.print(line, no_wrap=True, overflow="ellipsis")

    def _said(self) -> str:
        return ", ".join(f"{count} {outcome}" for outcome, count in self._counts.items() if count)


def print_checks(checks: Sequence[Check], reference: str, console: Console) -> None:
    """Print what would be checked: name, level, feature, requirement."""
    table = _table("check", "level", "needs", "requires")
    for check in checks:
        about = Text.assemble(check.requires, "\n", (check.source.replace("{reference}", reference), "dim"))
        table.add_row(Text(check.name, "bold"), check.level, ", ".join(check.needs) or "-", about)
    console.print(table)
    console.print(f"{len(checks)} checks, about {sum(check.requests for check in checks)} requests", highlight=False)


def print_conformance(found: Conformance, paths: Sequence[Path], console: Console) -> None:
    """Print what was found, failures first, and where the reports are."""
    console.print()
    ordered = sorted(found.findings, key=lambda one: (WORST_FIRST.index(one.outcome), one.level != "core", one.id))
    for finding in ordered:
        if finding.outcome == "fail":
            _print_failure(finding, console)
    _print_reasons([one for one in ordered if one.outcome in {"unknown", "skipped"}], console)
    console.print(_levels(found))
    console.print()
    console.print(Text.assemble((found.outcome.upper(), STYLES[found.outcome]), f"  {_headline(found)}"))
    for path in paths:
        console.print(Text.assemble(("report: ", "dim"), str(path)), soft_wrap=True)
    console.print(Text.assemble(("again:  ", "dim"), clean(found.command)), soft_wrap=True)


def _print_failure(finding: Finding, console: Console) -> None:
    console.print(Text.assemble(("fail  ", STYLES["fail"]), (finding.id, "bold"), f"  ({finding.level})"))
    for name in ("requires", "expected", "observed", "source"):
        console.print(Text.assemble((f"  {name:<9}", "dim"), clean(getattr(finding, name))))
    console.print(Text("  reproduce", "dim"))
    # These lines are copied into a shell: they must not be folded, and nothing may be put before them.
    console.print(Text(clean(finding.reproduction, lines=True)), soft_wrap=True)
    console.print()


def _print_reasons(findings: Sequence[Finding], console: Console) -> None:
    if not findings:
        return
    # Where all are unknown for one reason (nobody answers), it is said once.
    reasons = {(finding.outcome, finding.why) for finding in findings}
    if len(reasons) == 1 and len(findings) > 1:
        outcome, why = reasons.pop()
        console.print(Text.assemble((outcome, STYLES[outcome]), f"  {len(findings)} checks: {clean(why)}\n"))
        return
    table = _table("outcome", "check", "why")
    for finding in findings:
        table.add_row(Text(finding.outcome, STYLES[finding.outcome]), Text(finding.id), Text(clean(finding.why)))
    console.print(table)
    console.print()


def _levels(found: Conformance) -> Table:
    table = _table("level", "outcome", "pass", "fail", "unknown", "skipped")
    for level in LEVELS:
        counts, word = tally(found.findings, level), standing(found.findings, level)
        figures = [str(n) for n in (counts.passed, counts.failed, counts.unknown, counts.skipped)]
        table.add_row(level, Text(word, _LEVEL_STYLES[word]), *figures)
    return table


def _headline(found: Conformance) -> str:
    core = tally(found.findings, "core")
    extended = tally(found.findings, "extended")
    passed, failed = core.passed + extended.passed, core.failed + extended.failed
    parts = [f"{failed} failed"] if failed else []
    parts += [f"{core.unknown + extended.unknown} unknown"] if core.unknown + extended.unknown else []
    parts += [f"{passed} passed", f"{core.skipped + extended.skipped} skipped"]
    return f"{', '.join(parts)}, by {found.requests} requests"


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in {"level", "outcome", "needs"})
    return table
