"""Verdicts on a terminal: what broke in full, what was kept in a line a test, the replay line last."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.console import Console
from rich.table import Table
from rich.text import Text

from brownout.plan import Plan
from brownout.verdict import Outcome, Promise, Verdicts, never_fired
from reports.grades import line
from reports.wording import clean, duration, figure, headline, interval, repeated, skip_reason, worst_first

STYLES: dict[str, str] = {"pass": "green", "fail": "bold red", "unknown": "bold yellow", "skipped": "dim"}
_NONE: Mapping[str, str] = MappingProxyType({})
_MANY = 4  # unknown for one reason; of fewer, each is named


def print_verdicts(
    verdicts: Verdicts,
    console: Console,
    *,
    verbose: bool = False,
    replay: str = "",
    plan: Plan | None = None,
    aborted: bool = False,
    stories: Mapping[str, str] = _NONE,
) -> None:
    """Print the promises (failing first, unknown next), an overall line, and the replay line last of all.

    Args:
        verdicts: what was judged.
        console: where to.
        verbose: print kept and skipped promises in full too, not as a line a test.
        replay: the command that runs this again; none is printed when empty.
        plan: names the features for which promises were skipped.
        aborted: somebody ended the run before its end.
        stories: by promise, what was first seen where it may not be, in a sentence.
    """
    ordered = worst_first(verdicts.promises)
    same = _said_once(ordered, stopped=bool(verdicts.stopped))
    loud = [one for one in ordered if verbose or _is_loud(one, same)]
    quiet = [promise for promise in ordered if promise not in loud]
    console.print()
    if loud:
        console.print(_full(loud, plan, stories))
    if quiet:
        console.print(_condensed(quiet, Counter(map(_test_name, ordered)), plan, same))
    for said in _needs(ordered, plan):
        console.print(Text(clean(said)))
        console.print()
    for name in _never_judged(verdicts, plan):
        console.print(Text.assemble(("unknown", STYLES["unknown"]), f"  {name}: none of its promises was judged\n"))
    if verdicts.stopped:
        console.print(Text.assemble((" STOPPED ", "bold white on red"), " ", clean(verdicts.stopped), "\n"))
    if proof := line(verdicts):
        console.print(Text.assemble(("boundary: ", "dim"), proof))
    word = "ABORTED" if aborted or verdicts.stopped else verdicts.outcome.upper()
    played = f", {said}" if plan and (said := repeated(plan)) else ""
    took = f"  (took {duration(verdicts.duration_s)}{played})"
    console.print(Text.assemble((word, STYLES[verdicts.outcome]), f"  {headline(ordered)}", (took, "dim")))
    if replay:
        # The line is copied into a shell: it must not be folded at the terminal's width.
        console.print(Text.assemble(("replay: ", "dim"), clean(replay)), soft_wrap=True)


@dataclass(frozen=True)
class _Reason:
    """Why promises of a test could not be judged; ``for_all``: so it is of every one, or the run was stopped."""

    why: str
    for_all: bool


def _told(promise: Promise, same: Mapping[str, _Reason]) -> bool:
    """Whether the one reason says it all. Where others could be judged, a request that suffered is worth a row."""
    reason = same.get(_test_name(promise))
    return reason is not None and (reason.for_all or not promise.witnesses)


def _is_loud(promise: Promise, same: Mapping[str, _Reason]) -> bool:
    """Whether it has a row of its own: broken, seen not to hold, or unknown for a reason of its own."""
    if promise.outcome == "unknown":
        return not _told(promise, same)
    return promise.outcome == "fail" or promise.seen_all_the_same


def _said_once(promises: Iterable[Promise], *, stopped: bool) -> dict[str, _Reason]:
    """Return, by test, the one reason for which its promises could not be judged: a line says it all.

    Some may be proven all the same: in a run that was stopped, and of a test of many promises, such as a game day
    with a fault that never fired. What could not be judged has that one reason.
    """
    reasons: dict[str, list[str]] = {}
    judged = set()
    for promise in promises:
        name = _test_name(promise)
        if promise.outcome == "unknown":
            reasons.setdefault(name, []).append(promise.why.split("; ")[0])
        elif promise.outcome != "skipped":
            judged.add(name)
    return {
        name: _Reason(said[0], for_all=stopped or name not in judged)
        for name, said in reasons.items()
        if len(set(said)) == 1 and (stopped or name not in judged or len(said) >= _MANY)
    }


def _needs(promises: Sequence[Promise], plan: Plan | None) -> list[str]:
    """Return what the faults would have needed that never fired: mostly, another router than this."""
    whys = [(promise.test, promise.why) for promise in promises if promise.outcome == "unknown"]
    return [
        f"{one.id} needs {one.needs}."
        for test in (plan.tests if plan else [])
        for one in test.injections
        if one.needs and any(test.test == name and never_fired(one.id) in why for name, why in whys)
    ]


def _never_judged(verdicts: Verdicts, plan: Plan | None) -> list[str]:
    judged = {promise.test for promise in verdicts.promises}
    missing = [test for test in (plan.tests if plan else []) if test.base not in judged and not test.skipped]
    return list(dict.fromkeys(clean(f"{test.suite}/{test.base}") for test in missing))


def _full(promises: Iterable[Promise], plan: Plan | None, stories: Mapping[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=False, header_style="dim")
    table.add_column("outcome", no_wrap=True)
    table.add_column("promise", ratio=5, overflow="fold")
    table.add_column("observed", justify="right", no_wrap=True)
    table.add_column("samples", justify="right", no_wrap=True)
    table.add_column("why", ratio=6, overflow="fold")
    for promise in promises:
        style = STYLES["unknown" if promise.seen_all_the_same else promise.outcome]
        table.add_row(
            Text(promise.outcome, style),
            Text.assemble((_test_name(promise), "bold"), "\n", clean(promise.slo)),
            _observed(promise, style if promise.outcome == "fail" else ""),
            Text(str(promise.samples)),
            _why(promise, plan, stories.get(promise.id, "")),
        )
    return _spaced(table)


def _observed(promise: Promise, style: str) -> Text:
    between = interval(promise)
    return Text.assemble((figure(promise), style), ("\n" + between if between else "", "dim"))


def _why(promise: Promise, plan: Plan | None, story: str = "") -> Text:
    if promise.outcome == "skipped" and not promise.seen_all_the_same:
        tests = {test.test: test for test in plan.tests} if plan else {}
        return Text(skip_reason(promise, tests.get(promise.test)))
    why = Text(clean(promise.why))
    if story:
        why.append(f"\nfirst: {clean(story)}")
    if promise.witnesses and promise.outcome != "pass":
        named = ", ".join(clean(name) for name in promise.witnesses[:3])
        more = len(promise.witnesses) - 3
        why.append(f"\nwitnesses: {named}" + (f" and {more} more" if more > 0 else ""), "dim")
    return why


def _condensed(
    promises: Iterable[Promise], totals: Mapping[str, int], plan: Plan | None, same: Mapping[str, _Reason]
) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, min_width=7)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    groups: dict[tuple[Outcome, str], list[Promise]] = {}
    for promise in promises:
        groups.setdefault((promise.outcome, _test_name(promise)), []).append(promise)
    for (outcome, name), group in groups.items():
        said = f"{len(group)} of {totals[name]}"
        if outcome == "unknown":
            said += f": {clean(same[name].why)}"
        elif outcome == "skipped":
            said += ": " + "; ".join(dict.fromkeys(_why(promise, plan).plain for promise in group))
        # Not "pass": other promises of the same test may be broken, and stand above.
        table.add_row(Text("kept" if outcome == "pass" else outcome, STYLES[outcome]), Text(name), Text(said))
    return _spaced(table)


def _test_name(promise: Promise) -> str:
    return clean(f"{promise.suite}/{promise.test}")


def _spaced(table: Table) -> Table:
    """Leave a line free below the table."""
    table.add_row()
    return table
