"""The selftest's matrix on a terminal: which planted defect turned which promise red."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from reports.wording import clean

_LETTERS = {"pass": "·", "fail": "f", "unknown": "?", "skipped": "-"}
_STYLES = {"pass": "dim green", "fail": "red", "unknown": "yellow", "skipped": "dim"}
_OWN, _MISSED, _UNRELATED = "F", "o", "!"
_GAP = 2


@dataclass(frozen=True)
class MatrixRow:
    """One router.

    ``own`` is the promise that its defect is planted to break, ``also`` are those that break with it; ``cells`` maps a
    promise to its outcome (absent: not judged); ``caught`` is whether its own went red and nothing unrelated did. A row
    without an own promise is a good router, and ``caught`` then means that it stayed green.
    """

    router: str
    own: frozenset[str]
    also: frozenset[str]
    cells: dict[str, str]
    caught: bool


def print_matrix(columns: Sequence[str], rows: Sequence[MatrixRow], console: Console) -> None:
    """Print the matrix, a numbered column a promise and a row a router; its legend; and a line that counts.

    Args:
        columns: the promises' short names.
        rows: a row a router.
        console: where to. A console too narrow for all columns gets them in several bands.
    """
    first = max([len("router"), *(len(clean(row.router)) for row in rows)])
    band = max((console.width - first - _GAP - len(" NOT GREEN")) // 2, 1)
    for start in range(0, max(len(columns), 1), band):
        _print_band(list(enumerate(columns, start=1))[start : start + band], rows, first, console)
    _print_legend(columns, console)
    console.print(_summary(rows), soft_wrap=True)


@contextmanager
def progress_of(total: int, what: str, console: Console) -> Iterator[Callable[[str], None]]:
    """Show how many of a number of things are done, with a line for each as it is."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)

        def tell(line: str) -> None:
            progress.console.print(line, markup=False)
            progress.advance(task)

        yield tell


def _print_band(columns: Sequence[tuple[int, str]], rows: Sequence[MatrixRow], first: int, console: Console) -> None:
    for name, digits in (("", [f"{number // 10 or ' '}" for number, _ in columns]), ("router", _ones(columns))):
        console.print(Text(f"{name:{first + _GAP}}" + "".join(f"{digit:<2}" for digit in digits), "bold"), no_wrap=True)
    for row in rows:
        line = Text(f"{clean(row.router):{first + _GAP}}")
        for _, column in columns:
            line.append_text(_cell(row, column)).append(" ")
        line.append(_verdict(row), "green" if row.caught else "bold red")
        console.print(line, no_wrap=True)
    console.print()


def _ones(columns: Sequence[tuple[int, str]]) -> list[str]:
    return [str(number % 10) for number, _ in columns]


def _cell(row: MatrixRow, column: str) -> Text:
    outcome = row.cells.get(column, "")
    if column in row.own:
        return Text(_OWN, "bold reverse red") if outcome == "fail" else Text(_MISSED, "bold reverse yellow")
    if outcome == "fail" and column not in row.also:
        return Text(_UNRELATED, "bold reverse magenta")  # as wrong as a defect that nobody sees
    return Text(_LETTERS.get(outcome, " "), _STYLES.get(outcome, ""))


def _verdict(row: MatrixRow) -> str:
    if row.own:
        return "caught" if row.caught else "NOT CAUGHT"
    return "green" if row.caught else "NOT GREEN"


def _print_legend(columns: Sequence[str], console: Console) -> None:
    keys = [f"{number:>2} {clean(column)}" for number, column in enumerate(columns, start=1)]
    width = max(map(len, keys), default=1) + _GAP
    per_line = max(console.width // width, 1)
    for start in range(0, len(keys), per_line):
        console.print(Text("".join(f"{key:{width}}" for key in keys[start : start + per_line]).rstrip()), no_wrap=True)
    marks = (
        f"{_OWN} its own promise, red",
        f"{_MISSED} its own promise, not red",
        "f red with it, as it should be",
        f"{_UNRELATED} red and unrelated",
        "· kept",
        "? unknown",
        "- skipped",
    )
    console.print(Text("   ".join(marks), "dim"), soft_wrap=True)


def _summary(rows: Sequence[MatrixRow]) -> Text:
    defects = [row for row in rows if row.own]
    missed = [clean(row.router) for row in defects if not row.caught]
    stained = [clean(row.router) for row in rows if not row.own and not row.caught]
    text = Text(
        f"{len(defects) - len(missed)} of {len(defects)} defects caught", "bold red" if missed else "bold green"
    )
    if missed:
        text.append(f"; not caught: {', '.join(missed)}")
    if stained:
        text.append(f"; should be green and is not: {', '.join(stained)}", "bold red")
    return text
