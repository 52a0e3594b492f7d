"""What a machine can prove, on a terminal: the grade first, then layer by layer, then what was tried."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from brownout.provable import Check, Provable
from reports.verdict_table import STYLES
from reports.wording import clean


def print_provable(found: Provable, console: Console) -> None:
    """Print it."""
    machine = ", ".join(f"{clean(value)}" for value in found.machine.values())
    console.print(Text(f"this machine: {machine}", "dim"), soft_wrap=True)
    console.print(Text.assemble("it can prove up to grade ", (found.grade, "bold")))
    if found.sealed_by:
        console.print(f"targets are sealed by {found.sealed_by} (tried in {found.sealing_s:.2f} s): --seal on")
    console.print()
    console.print(_layers(found))
    _print_checks("what was tried to seal a target", found.checks, console)
    if found.why:
        console.print(Text.assemble(("kept from more by  ", STYLES["unknown"]), clean(found.why)), soft_wrap=True)
    if found.help:
        console.print(Text.assemble(("raised by          ", "bold"), clean(found.help)), soft_wrap=True)
    for line in found.never:
        console.print(Text.assemble(("never proven       ", "dim"), line), soft_wrap=True)


def _layers(found: Provable) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("layer", "here", "sees"):
        table.add_column(name, no_wrap=name != "sees")
    for one in found.layers:
        table.add_row(one.layer, _said(ok=one.can), one.sees)
    return table


def _print_checks(title: str, checks: list[Check], console: Console) -> None:
    console.print()
    console.print(Text(title, "dim"))
    for one in checks:
        line = Text.assemble("  ", _said(ok=one.ok), f"  {one.what}")
        if one.why:
            line.append(f": {clean(one.why)}")
        console.print(line, soft_wrap=True)
    console.print()


def _said(*, ok: bool) -> Text:
    return Text("yes", STYLES["pass"]) if ok else Text("no ", STYLES["unknown"])
