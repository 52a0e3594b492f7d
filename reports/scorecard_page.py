"""The words of a scorecard, as Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from brownout.verdict import Promise
from reports.card import Card, LeftOut
from reports.markdown import escape, fenced
from reports.wording import WORST_FIRST, clean, duration, figure, headline, tally

_SUITE_HEADS = {"fail": "broken", "unknown": "unknown", "pass": "kept", "skipped": "skipped"}
_WITNESSES = 3
_TOP = "../../"  # pages lie in docs/scorecard
_ABOUT = """\
What the gate found in routers that people run. Rows are in the order of their names: what is broken depends on what a
product claims and on how it was set up, so a count is no rank. Each page says how to run it again."""
_KNOWN = "Defects that are publicly known already, and whether they were met: [known-defects.md](known-defects.md)."


def page(card: Card, notes: str) -> str:
    """Return one product's page; ``notes`` are included as they stand."""
    by_outcome = {outcome: [one for one in card.verdicts.promises if one.outcome == outcome] for outcome in WORST_FIRST}
    sections = [
        f"# {escape(card.product)} {escape(_version(card))}",
        f"**{card.verdicts.outcome.upper()}**: {headline(card.verdicts.promises)}.",
        *([f"**Stopped before its end:** {escape(card.verdicts.stopped)}"] if card.verdicts.stopped else []),
        _facts(card),
        "To run this again:\n\n" + fenced(card.replay),
        "## By suite\n\n" + _suites(card.verdicts.promises),
        "## Broken\n\n" + (_promises(by_outcome["fail"]) or "Nothing."),
        "## Checked by hand\n\n"
        + (notes.strip() or "Not yet: nobody has followed a broken promise through the evidence."),
        "## Not to be told\n\n"
        + (_promises(by_outcome["unknown"]) or "Nothing: every promise that was asked was judged."),
        "## Left out\n\n" + _left_out(card.left_out),
        "_Made by `brownout scorecard`; what is written by hand lies in the notes beside this page._",
    ]
    return "\n\n".join(sections) + "\n"


def index(cards: Mapping[str, Card]) -> str:
    """Return the page over all pages, by name."""
    rows = [
        "| product | target | broken | unknown | kept | skipped | profile | world | seed | date |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | ---: | --- |",
    ]
    for name, card in cards.items():
        counts = [str(count) for count in tally(card.verdicts.promises).values()]
        date = card.verdicts.started_at[:10]
        product = f"{escape(card.product)} {escape(_version(card))}"
        cells = [product, f"[{name}]({name}.md)", *counts, card.profile, card.topology, str(card.verdicts.seed), date]
        rows.append("| " + " | ".join(cells) + " |")
    table = "\n".join(rows) if cards else "None is published yet: `make scorecard TARGET=FILE`."
    return f"# Scorecards\n\n{_ABOUT}\n\n{table}\n\n{_KNOWN}\n"


def _version(card: Card) -> str:
    return next(iter(card.packages.values()), "")


def _facts(card: Card) -> str:
    link = card.target_file if Path(card.target_file).is_absolute() else _TOP + card.target_file
    verdicts = card.verdicts
    facts = {
        "configuration": f"[{escape(Path(card.target_file).name)}]({link})",
        "declares": escape(", ".join(card.declares)) or "nothing: held to all",
        "world": escape(card.topology),
        "packages": escape(", ".join(f"{name} {version}" for name, version in card.packages.items())) or "its own code",
        "played": f"{escape(verdicts.started_at)}, in {duration(verdicts.duration_s)}",
        "how": f"profile {escape(card.profile)}, {card.clock} time, seed {verdicts.seed}",
        "machine": escape(card.machine),
        "brownout": escape(card.git[:12]) + (" with uncommitted changes" if card.uncommitted else ""),
        "overlooked": "; ".join(f"{escape(name)}: {count} requests" for name, count in card.lenient.items())
        or "nothing",
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in facts.items())])


def _suites(promises: Sequence[Promise]) -> str:
    suites = dict.fromkeys(one.suite for one in promises)
    rows = ["| suite | " + " | ".join(_SUITE_HEADS[outcome] for outcome in WORST_FIRST) + " |"]
    rows.append("| --- |" + " ---: |" * len(WORST_FIRST))
    for suite in suites:
        counts = tally(one for one in promises if one.suite == suite)
        rows.append(f"| {escape(suite)} | " + " | ".join(str(counts[outcome]) for outcome in WORST_FIRST) + " |")
    return "\n".join(rows)


def _promises(promises: Sequence[Promise]) -> str:
    """Return one paragraph a promise: a table's cell is too narrow for a reason."""
    return "\n".join(_promise(one) for one in promises)


def _promise(one: Promise) -> str:
    seen = f" Observed: **{escape(figure(one))}** of {one.samples}." if one.samples or one.observed is not None else ""
    witnesses = ", ".join(f"`{clean(witness)}`" for witness in one.witnesses[:_WITNESSES])
    why = f" {escape(one.why).rstrip('.')}." if one.why else ""
    shown = f" Witnesses: {witnesses}." if witnesses else ""
    return f"- **{escape(f'{one.suite}/{one.test}')}**: `{clean(one.slo)}`.{seen}{why}{shown}"


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return "Nothing."
    by_lack: dict[str, list[str]] = {}
    for one in left_out:
        by_lack.setdefault(", ".join(one.lacks) or "no reason on record", []).append(one.what)
    rows = ["| it does not declare, or has not | what was not asked |", "| --- | --- |"]
    rows += [f"| {escape(lack)} | {', '.join(escape(what) for what in whats)} |" for lack, whats in by_lack.items()]
    return "\n".join(rows)
