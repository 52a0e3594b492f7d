"""The selftest's matrix on a terminal: which planted defect turned which promise red."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.wording import clean

_LETTERS = {"pass": ".", "fail": "F", "unknown": "?", "skipped": "-"}
_STYLES = {"pass": "dim green", "fail": "red", "unknown": "yellow", "skipped": "dim"}
_CELL = 3  # A letter and the marks beside it: [F] or !F.


@dataclass(frozen=True)
class MatrixRow:
    """One planted-bad router.

    ``expected`` are the promises its defect breaks; ``cells`` maps a promise to its outcome (absent: not judged);
    ``caught`` is whether exactly the expected ones went red. A row that expects nothing is a good router, and
    ``caught`` then means that it stayed green.
    """

    router: str
    expected: frozenset[str]
    cells: dict[str, str]
    caught: bool


def print_matrix(columns: Sequence[str], rows: Sequence[MatrixRow], console: Console) -> None:
    """Print the matrix within the console's width, its legend, and a line that counts what was caught.

    Args:
        columns: the promises' short names; those too long for their column become keys that a legend explains.
        rows: a row a router.
        console: where to.
    """
    headers = _headers(columns, rows, console.width)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("router", overflow="fold", vertical="bottom")
    for header in headers:
        table.add_column(Text(header), justify="center", no_wrap=True, vertical="bottom", min_width=_CELL)
    table.add_column("caught", justify="right", no_wrap=True, vertical="bottom")
    for row in rows:
        cells = [_cell(row.cells.get(column), expected=column in row.expected) for column in columns]
        verdict = Text(_verdict(row), "green" if row.caught else "bold red")
        table.add_row(Text(clean(row.router)), *cells, verdict)
    console.print(table)
    console.print()
    _print_legend(columns, headers, console)
    console.print(_summary(rows))


def _headers(columns: Sequence[str], rows: Sequence[MatrixRow], width: int) -> list[str]:
    """Return the names folded at their joints where all of them fit so, else a key for each."""
    names = [clean(column) for column in columns]
    folded = ["\n".join(_folded(name)) for name in names]
    router = max([6, *(len(clean(row.router)) for row in rows)])
    needed = router + 1 + sum(max(_CELL, *map(len, name.split("\n"))) + 1 for name in folded) + len("NOT GREEN")
    return folded if needed <= width else [_key(index) for index in range(len(names))]


def _folded(name: str) -> list[str]:
    """Split a name after its joints (``-``, ``_``, ``/``, space) into lines of up to ten characters where it can."""
    for joint in "-_/ ":
        name = name.replace(joint, joint + "\n")
    lines: list[str] = []
    for part in name.split("\n"):
        if lines and len(lines[-1]) + len(part) <= 10:
            lines[-1] += part
        elif part:
            lines.append(part)
    return [line.rstrip() for line in lines] or [""]


def _key(index: int) -> str:
    """Return A, B, ... Z, A1, B1, ..."""
    return chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")


def _cell(outcome: str | None, *, expected: bool) -> Text:
    letter = _LETTERS.get(outcome or "", "?" if outcome else "")
    style = _STYLES.get(outcome or "", "")
    if expected:
        return Text(f"[{letter or ' '}]", f"bold {'reverse ' if outcome == 'fail' else ''}{style}".strip())
    # A promise that goes red for a defect which should not touch it is as wrong as one that stays green.
    return Text("!F ", "bold magenta") if outcome == "fail" else Text(letter, style)


def _verdict(row: MatrixRow) -> str:
    if row.expected:
        return "yes" if row.caught else "NO"
    return "green" if row.caught else "NOT GREEN"


def _print_legend(columns: Sequence[str], headers: Sequence[str], console: Console) -> None:
    if any(header == _key(index) and header != clean(columns[index]) for index, header in enumerate(headers)):
        keys = [f"{header} {clean(column)}" for header, column in zip(headers, columns, strict=True)]
        console.print(Text("\n".join(_lines(keys, console.width))))
    marks = (
        "F fail",
        ". pass",
        "? unknown",
        "- skipped",
        "[ ] the defect's own promise",
        "!F red where it should not be",
    )
    console.print(Text("\n".join(_lines(marks, console.width)), "dim"))


def _lines(items: Sequence[str], width: int) -> list[str]:
    """Set items beside each other, as many as a line holds, none broken at its spaces."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + 3 + len(item) <= width:
            lines[-1] += f"   {item}"
        else:
            lines.append(item)
    return lines


def _summary(rows: Sequence[MatrixRow]) -> Text:
    defects = [row for row in rows if row.expected]
    missed = [clean(row.router) for row in defects if not row.caught]
    stained = [clean(row.router) for row in rows if not row.expected and not row.caught]
    text = Text(
        f"{len(defects) - len(missed)} of {len(defects)} defects caught", "bold red" if missed else "bold green"
    )
    if missed:
        text.append(f"; not caught: {', '.join(missed)}")
    if stained:
        text.append(f"; should be green and is not: {', '.join(stained)}", "bold red")
    return text
