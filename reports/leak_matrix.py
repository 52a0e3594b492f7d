"""The selftest's second matrix on a terminal: which layer of evidence saw which planted leak."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from brownout.egress import Layer
from brownout.sight import Sight
from reports.wording import clean

_LETTERS: Mapping[Sight, str] = {"saw": "s", "blind": "·", "incomplete": "?", "absent": "-"}
_STYLES: Mapping[Sight, str] = {"saw": "red", "blind": "dim", "incomplete": "yellow", "absent": "dim"}
_OWN, _MISSED = "S", "o"


class LeakRow(NamedTuple):
    """One leak: the layer meant to see it, what each layer made of it (absent: not there), and whether it is caught."""

    router: str
    layer: str
    layers: Mapping[Layer, Sight]
    caught: bool


def print_leaks(columns: Sequence[Layer], rows: Sequence[LeakRow], console: Console) -> None:
    """Print a row a leak and a column a layer of evidence, a legend, and a line that counts.

    Args:
        columns: the layers.
        rows: a row a leak; the layer meant to see it is marked.
        console: where to.
    """
    first = max(len("leak"), *(len(clean(row.router)) for row in rows)) + 1
    console.print()
    console.print(Text(f"{'leak':{first}}" + " ".join(columns), "bold"), no_wrap=True)
    for row in rows:
        line = Text(f"{clean(row.router):{first}}")
        for column in columns:
            line.append_text(_cell(row, column)).append(" " * len(column))
        line.append("caught" if row.caught else "NOT CAUGHT", "green" if row.caught else "bold red")
        console.print(line, soft_wrap=True)
    marks = (
        f"{_OWN} the layer meant for it saw it",
        f"{_MISSED} that layer did not",
        "s another layer saw it",
        "· blind: all was looked at, nothing seen",
        "? incomplete: something was missed",
        "- absent: nothing recorded it",
    )
    console.print(Text("   ".join(marks), "dim"), soft_wrap=True)
    console.print(_summary(rows), soft_wrap=True)


def _cell(row: LeakRow, column: Layer) -> Text:
    sight: Sight = row.layers.get(column, "absent")
    if column != row.layer:
        return Text(_LETTERS[sight], _STYLES[sight])
    return Text(_OWN, "bold reverse red") if sight == "saw" else Text(_MISSED, "bold reverse yellow")


def _summary(rows: Sequence[LeakRow]) -> Text:
    missed = [clean(row.router) for row in rows if not row.caught]
    said = f"{len(rows) - len(missed)} of {len(rows)} leaks caught by the layer meant for them"
    if missed:
        return Text(f"{said}; not caught: {', '.join(missed)}", "bold red")
    return Text(said, "bold green")
