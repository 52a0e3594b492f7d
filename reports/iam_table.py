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
    """Print each promise in each region, broken ones first and in full.

    Args:
        verdicts: what was judged.
        console: where to.
        verbose: every way in, not the first few.
    """
    ordered = sorted(verdicts.findings, key=lambda one: WORST_FIRST.index(one.outcome))
    for finding in ordered:
        if finding.outcome != "pass":
            _print_finding(finding, console, len(finding.breaches) if verbose else _SHOWN)
    _print_kept([one for one in ordered if one.outcome == "pass"], console)
    for line in verdicts.exempt:
        console.print(Text.assemble(("may read from outside: ", "dim"), clean(line)), soft_wrap=True)
    said = f"  {clean(verdicts.escrow)}: {_counts(ordered)}"
    console.print(Text.assemble((verdicts.outcome.upper(), STYLES[verdicts.outcome]), said))


def _print_finding(finding: Finding, console: Console, shown: int) -> None:
    place = f"  {clean(finding.region)}, {finding.state}"
    console.print(
        Text.assemble((f"{finding.outcome:<9}", STYLES[finding.outcome]), (finding.promise, "bold"), (place, "dim"))
    )
    console.print(Text(f"  promised: {PROMISES[finding.promise]}", "dim"), soft_wrap=True)
    for breach in finding.breaches[:shown]:
        # Names of roles and statements are copied and searched for: they are not folded.
        console.print(_breach(breach), soft_wrap=True)
    if len(finding.breaches) > shown:
        console.print(Text(f"  and {len(finding.breaches) - shown} more: --verbose", "dim"))
    if finding.why:
        console.print(Text.assemble(("  not known: ", STYLES["unknown"]), clean(finding.why)), soft_wrap=True)
    console.print()


def _breach(breach: Breach) -> Text:
    become = f"become {', then '.join(clean(role) for role in breach.roles)}, and" if breach.roles else ""
    can = " can" if breach.certain or not breach.can else " may be able to"
    does = f"do {breach.action} on {clean(breach.resource)} from {clean(breach.vantage)}"
    text = Text.assemble(("  " + clean(breach.who), "bold"), " ".join(filter(None, (can, become, does))))
    for where in breach.by:
        text.append(f"\n    by {clean(where)}", "dim")
    for why in breach.why:
        text.append("\n    " + ("" if breach.certain else "not known: ") + clean(why), "dim")
    return text


def _print_kept(findings: Sequence[Finding], console: Console) -> None:
    if not findings:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("kept", "region", "", "requests judged"):
        table.add_column(name, no_wrap=True, justify="right" if name.endswith("judged") else "left")
    for finding in findings:
        table.add_row(
            Text(finding.promise, STYLES["pass"]), clean(finding.region), finding.state, str(finding.questions)
        )
    console.print(table)
    console.print()


def _counts(findings: Sequence[Finding]) -> str:
    words = {"fail": "broken", "unknown": "unknown", "pass": "kept"}
    counts = {word: sum(one.outcome == outcome for one in findings) for outcome, word in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)
