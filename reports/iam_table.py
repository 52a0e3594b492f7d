"""An escrow's promises on a terminal: what broke or is not known, by which statement; what was kept, in a line."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from brownout.iam.promises import PROMISES
from brownout.iam.verdicts import Breach, EscrowVerdicts, Finding
from reports.verdict_table import STYLES
from reports.wording import WORST_FIRST, clean

_SHOWN = 3


def print_escrow(verdicts: EscrowVerdicts, console: Console, *, verbose: bool = False) -> None:
    """Print each promise in each region, broken ones first.

    Args:
        verdicts: what was judged.
        console: where to.
        verbose: every way in, not the first few.
    """
    ordered = sorted(verdicts.findings, key=lambda one: WORST_FIRST.index(one.outcome))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("outcome", no_wrap=True)
    table.add_column("promise", overflow="fold", ratio=2)
    table.add_column("region", overflow="fold", no_wrap=True)
    table.add_column("found", overflow="fold", ratio=5)
    for finding in ordered:
        table.add_row(
            Text("kept" if finding.outcome == "pass" else finding.outcome, STYLES[finding.outcome]),
            _promise(finding),
            Text.assemble(clean(finding.region), ("\n" + finding.state, "dim")),
            _found(finding, len(finding.breaches) if verbose else _SHOWN),
        )
    console.print(table)
    console.print()
    for line in verdicts.exempt:
        console.print(Text.assemble(("read from outside by leave of escrow.yaml: ", "dim"), clean(line)))
    said = f"  {clean(verdicts.escrow)}: {_counts(ordered)}"
    console.print(Text.assemble((verdicts.outcome.upper(), STYLES[verdicts.outcome]), said))


def _promise(finding: Finding) -> Text:
    if finding.outcome == "pass":
        return Text(finding.promise, "bold")
    return Text.assemble((finding.promise, "bold"), "\n", PROMISES[finding.promise])


def _found(finding: Finding, shown: int) -> Text:
    if finding.outcome == "pass":
        return Text(f"{finding.questions} requests judged", "dim")
    lines = Text("\n").join([*(_breach(one) for one in finding.breaches[:shown]), *_doubts(finding)])
    more = len(finding.breaches) - shown
    return lines.append(f"\nand {more} more (--verbose)", "dim") if more > 0 else lines


def _doubts(finding: Finding) -> Sequence[Text]:
    return [Text.assemble(("not known: ", STYLES["unknown"]), clean(finding.why))] if finding.why else []


def _breach(breach: Breach) -> Text:
    can = " can " if breach.certain else " may be able to "
    become = "".join(f", become {clean(role)}," for role in breach.roles)
    does = f"{breach.action} on {clean(breach.resource)} from {clean(breach.vantage)}"
    if breach.who.startswith("nobody"):
        can, does = " can ", f"do {does}"
    text = Text.assemble((clean(breach.who), "bold"), can.rstrip(), f"{become} {'and ' if become else ''}{does}")
    for where in breach.by:
        text.append(f"\n  by {clean(where)}", "dim")
    for why in breach.why:
        text.append(f"\n  {clean(why)}" if breach.certain else f"\n  not known: {clean(why)}", "dim")
    return text


def _counts(findings: Sequence[Finding]) -> str:
    words = {"fail": "broken", "unknown": "unknown", "pass": "kept"}
    counts = {word: sum(one.outcome == outcome for one in findings) for outcome, word in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)
