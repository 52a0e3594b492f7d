"""Sensitivity on a terminal: a line a strength, and how many runs of it were red, unknown and green."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.verdict_table import STYLES


class Rung(NamedTuple):
    """One strength of a defect: counts of runs by the outcome of the promise that it breaks."""

    defect: str
    promise: str
    red: int
    unknown: int
    green: int
    others: list[str]


def print_rungs(rungs: Iterable[Rung], console: Console) -> None:
    """Print strengths in their order; ``others`` are other promises that turned red, each with in how many runs."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("the router", ratio=5, overflow="fold")
    table.add_column("promise", ratio=3, overflow="fold")
    for name in ("red", "unknown", "green"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("also red", ratio=4, overflow="fold")
    for rung in rungs:
        counts = (("fail", rung.red), ("unknown", rung.unknown), ("pass", rung.green))
        table.add_row(
            Text(rung.defect),
            Text(rung.promise),
            *(Text(str(count), STYLES[outcome] if count else "dim") for outcome, count in counts),
            Text(", ".join(rung.others), "dim"),
        )
    console.print(table)
