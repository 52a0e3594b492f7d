"""A run while it runs: a live table on a terminal, plain lines at phase changes anywhere else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.verdict import Verdicts
from reports.boundary import first_stories
from reports.consoles import make_console
from reports.story import print_story
from reports.verdict_table import print_verdicts
from reports.wording import clean, longer, repeated

PHASES = ("waiting", "raising", "ready", "baseline", "fault", "lifted", "draining", "judged", "failed", "stopped")
_STYLES = {
    "waiting": "dim",
    "raising": "cyan",
    "ready": "cyan",
    "baseline": "blue",
    "fault": "bold red",
    "lifted": "yellow",
    "draining": "magenta",
    "judged": "green",
    "failed": "bold red",
    "stopped": "bold white on red",
}
_ENDED = {"judged", "failed", "stopped"}
_REFRESHES_PER_S = 4
_FRAME_LINES = 5  # Header, rule, the line about tests left out, and room for the cursor.


@dataclass
class _Row:
    """What is known of one test while it runs."""

    test: str
    phase: str = "waiting"
    detail: str = ""
    elapsed_s: float = 0.0
    total_s: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    rate_rps: float = 0.0
    faults_on: Sequence[str] = ()


class LiveView:
    """Follows a run. A context manager; it may be driven from any thread, and never raises for what it is told.

    Args:
        console: where to; by default the process's standard output.
        verbose: print every promise at the end, not only those that were not kept.
    """

    def __init__(self, console: Console | None = None, *, verbose: bool = False) -> None:
        self._console = console or make_console()
        self._verbose = verbose
        self._rows: dict[str, _Row] = {}
        self._colours: dict[str, str] = {}
        self._live: Live | None = None
        self._run: RunDir | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def plan(self, plan: Plan, run: RunDir) -> None:
        """Say what is about to run and where its evidence goes, and start the live table."""
        self._run = run
        facts = {"seed": str(plan.seed), "target": plan.target, "clock": plan.clock, "profile": plan.profile}
        if said := repeated(plan):
            facts["repeats"] = f"{said}, and judged as one"
        for name, value in (facts | {"run": str(run.path)}).items():
            self._console.print(Text.assemble((f"{name:<8}", "dim"), clean(value)), soft_wrap=True)
        for why, count in longer(plan).items():
            said = f"{count} of {len(plan.groups())} tests: {clean(why)}"
            self._console.print(Text.assemble((f"{'longer':<8}", "dim"), said), soft_wrap=True)
        for test in plan.tests:
            print_story(test, self._console)
        self._rows = {test.test: _Row(test.test) for test in plan.tests if not test.skipped}
        self._colours = {
            name: injection.colour
            for test in plan.tests
            for injection in test.injections
            for name in (injection.id, injection.fault, f"{injection.fault} at {injection.at}")
        }
        if self._console.is_terminal and self._rows and self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self._table,
                refresh_per_second=_REFRESHES_PER_S,
                vertical_overflow="crop",
            )
            self._live.start()

    def again(self, plan: Plan) -> None:
        """Say that these are played once more, because chance alone keeps their tests from a verdict."""
        names = ", ".join(dict.fromkeys(test.base for test in plan.tests))
        said = f"{names}: too near a bound to tell, so more of the same ({len(plan.tests)} more)"
        self._console.print(Text.assemble((f"{'again':<8}", "dim"), clean(said)), soft_wrap=True)
        self._rows |= {test.test: _Row(test.test) for test in plan.tests}

    def test_phase(self, test: str, phase: str, detail: str = "") -> None:
        """Move a test to a phase (one of `PHASES`); without a terminal this prints a line when it is news."""
        row = self._rows.setdefault(test, _Row(test))
        news = (row.phase, row.detail) != (phase, detail)
        row.phase, row.detail = phase, detail
        if phase in _ENDED:
            row.faults_on, row.rate_rps = (), 0.0
        if news and self._live is None:
            line = Text.assemble((f"{phase:<9}", _STYLES.get(phase, "")), f" {clean(test)}")
            if detail:
                line.append(f": {clean(detail)}")
            self._console.print(line, soft_wrap=True)

    def progress(
        self,
        test: str,
        elapsed_s: float,
        total_s: float,
        counts: dict[str, int],
        rate_rps: float,
        faults_on: list[str],
    ) -> None:
        """Update a test's numbers. Shown on a terminal only, and at most four times a second.

        Args:
            test: which test.
            elapsed_s: seconds of load so far.
            total_s: seconds of load planned.
            counts: requests ended so far, by client outcome.
            rate_rps: requests a second just now.
            faults_on: labels of the faults that are on now.
        """
        row = self._rows.setdefault(test, _Row(test))
        row.elapsed_s, row.total_s, row.rate_rps = elapsed_s, total_s, rate_rps
        row.counts, row.faults_on = dict(counts), tuple(faults_on)

    def verdicts(self, v: Verdicts, plan: Plan, *, aborted: bool = False) -> None:
        """End the live table and print the verdicts, the overall line and the replay line."""
        self.close()
        stories = first_stories(self._run, plan, v) if self._run else {}
        print_verdicts(
            v,
            self._console,
            verbose=self._verbose,
            replay=plan.replay,
            plan=plan,
            aborted=aborted,
            stories=stories,
        )

    def note(self, text: str) -> None:
        """Print a line above the table."""
        self._console.print(Text(clean(text)), soft_wrap=True)

    def shout(self, text: str) -> None:
        """Print a line above the table that nobody overlooks."""
        self._console.print(Text(clean(text), style="bold white on red"), soft_wrap=True)

    def close(self) -> None:
        """End the live table and leave its last state standing. May be called again."""
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()

    def _table(self) -> RenderableType:
        rows, left_out = _fitting(list(self._rows.values()), self._console.height - _FRAME_LINES)
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True, header_style="dim")
        table.add_column("test", ratio=4, no_wrap=True, overflow="ellipsis")
        table.add_column("phase", no_wrap=True, width=9)
        table.add_column("", width=16, no_wrap=True)
        table.add_column("rate", justify="right", no_wrap=True, width=7)
        table.add_column("ok", justify="right", no_wrap=True, width=6)
        table.add_column("not ok", justify="right", no_wrap=True, width=6)
        table.add_column("faults on now", ratio=4, no_wrap=True, overflow="ellipsis")
        for row in rows:
            table.add_row(*self._cells(row))
        return Group(Text(), table, Text(left_out, "dim"))

    def _cells(self, row: _Row) -> list[RenderableType]:
        ok = row.counts.get("ok", 0)
        # What the load generator could not send is its own failure, not the target's.
        bad = sum(count for outcome, count in row.counts.items() if outcome not in {"ok", "unsent"})
        begun = bool(row.counts) or row.total_s > 0
        done = row.total_s if row.phase == "judged" else min(row.elapsed_s, row.total_s)
        faults = Text(", ").join(
            Text(clean(name), f"bold {_rich_colour(self._colours.get(name, ''))}") for name in row.faults_on
        )
        return [
            Text(clean(row.test)),
            Text(row.phase, _STYLES.get(row.phase, "")),
            ProgressBar(total=row.total_s, completed=done, width=16, complete_style="cyan", finished_style="cyan")
            if begun
            else Text(),
            Text(f"{row.rate_rps:.1f}/s" if row.rate_rps else ""),
            Text(str(ok) if begun else "", "green"),
            Text(str(bad) if begun else "", "bold red" if bad else "dim"),
            faults if row.faults_on else Text(clean(row.detail), "dim"),
        ]


def _fitting(rows: list[_Row], room: int) -> tuple[list[_Row], str]:
    """Choose the rows that a screen has room for: those under way, then those just ended, then those to come."""
    if len(rows) <= max(room, 1):
        return rows, ""
    rank: Callable[[_Row], int] = lambda row: (  # noqa: E731 - one expression, used once
        1 if row.phase == "failed" else 2 if row.phase in _ENDED else 3 if row.phase == "waiting" else 0
    )
    kept = sorted(rows, key=rank)[: max(room, 1)]
    hidden = [row for row in rows if row not in kept]
    ended = sum(row.phase in _ENDED for row in hidden)
    waiting = sum(row.phase == "waiting" for row in hidden)
    return [row for row in rows if row in kept], f"not shown: {ended} ended, {waiting} waiting"


def _rich_colour(colour: str) -> str:
    """Return the colour as rich takes it (``#rrggbb``), or red when it is not a plain hex colour."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return f"#{digits}" if len(digits) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in digits) else "red"
