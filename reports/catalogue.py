"""The catalogue of faults on a terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from brownout.catalogue import Listed, Setting


def print_catalogue(listed: Sequence[Listed], console: Console) -> None:
    """Print every fault, family by family: its name and settings, and what a customer sees."""
    for family, members in groupby(listed, key=lambda one: one.family):
        table = Table(title=f"{family}", title_justify="left", title_style="bold", show_header=False, box=None)
        table.add_column("fault", no_wrap=True)
        table.add_column("what a customer sees", ratio=1)
        for one in members:
            table.add_row(Text(one.kind, style=one.colour), _summary(one))
        console.print(Padding(table, (0, 0, 1, 0)))
    console.print(f"{len(listed)} faults. All of one: brownout faults NAME. For programs: brownout faults --json.")
    console.print("Each takes share, tenants, models, ramps, repeats and chance from its injection: docs/faults.md.")


def print_fault(one: Listed, console: Console) -> None:
    """Print all of one fault's entry."""
    console.print(Text.assemble((one.kind, f"bold {one.colour}"), f"  ({one.family})"))
    facts = [
        ("what it is", one.about),
        ("a customer sees", one.sees),
        ("injected in", one.where),
        ("needs", one.needs or "nothing beyond an emulated world"),
        ("ramps", "yes" if one.ramps else "no: it is on or off"),
        *(("seen in the wild" if number == 0 else "", seen) for number, seen in enumerate(one.seen)),
    ]
    table = Table(show_header=False, box=None)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for name, text in facts:
        table.add_row(name, Text(text))
    console.print(table)
    if one.settings:
        console.print(_settings(one.settings))


def _settings(settings: Sequence[Setting]) -> Table:
    table = Table(title="settings", title_justify="left")
    for column in ("setting", "default", "takes", "what it is"):
        table.add_column(column, ratio=1 if column == "what it is" else None, no_wrap=column == "setting")
    for one in settings:
        table.add_row(Text(one.name), Text(_default(one)), Text(one.unit or one.takes), _plain(one.about))
    return table


def _summary(one: Listed) -> Text:
    text = Text(one.sees)
    if one.settings:
        text.append("\n" + ", ".join(f"{each.name}={_default(each)}" for each in one.settings), style="dim")
    return text


def _default(one: Setting) -> str:
    if one.required:
        return "(must be given)"
    return "null" if one.default is None else str(one.default)


def _plain(text: str) -> Text:
    return Text(text.replace("``", ""))
