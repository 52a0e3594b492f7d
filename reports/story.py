"""A game day before it begins: why it is played, what happened then, and what is about to happen."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from brownout.plan import PlannedInjection, Story, TestPlan
from reports.wording import clean, duration, number

_LABEL = 12


def print_story(test: TestPlan, console: Console) -> None:
    """Print a test's story, its timeline and its stop conditions; a test without a story is left to the live view."""
    if test.story is None:
        return
    console.print()
    for name, said in _facts(test, test.story):
        console.print(Text.assemble((f"{name:<{_LABEL}}", "dim"), clean(said)), soft_wrap=name == "source")
    console.print()
    console.print(_timeline(test))


def compressed(story: Story) -> str:
    """Return what the compression means: ``1 s here stands for 5 min of the incident``."""
    return f"1 s here stands for {duration(story.compression).removesuffix(' 0 s')} of the incident"


def clock_time(at_s: float) -> str:
    """Return an instant of the load as minutes and seconds: ``01:05``; tenths only where there are some."""
    minutes, seconds = divmod(round(at_s, 1), 60)
    whole = f"{int(minutes):02}:{int(seconds):02}"
    return whole if seconds == int(seconds) else f"{whole}.{round(seconds % 1 * 10)}"


def strength(injection: PlannedInjection) -> str:
    """Return for whom an injection is, and how it comes and goes, where that is not everybody at once."""
    parts = [f"{injection.share:.0%} of it"] if injection.share < 1 else []
    parts += [f"for {', '.join(injection.tenants)}"] if injection.tenants else []
    parts += [f"for {', '.join(injection.models)}"] if injection.models else []
    parts += [f"rising for {number(injection.ramp_s)} s"] if injection.ramp_s else []
    parts += [f"falling for {number(injection.ramp_down_s)} s"] if injection.ramp_down_s else []
    return ", ".join(parts)


def _facts(test: TestPlan, story: Story) -> list[tuple[str, str]]:
    load = test.workload
    facts = [("game day", test.test), ("why", test.why), ("happened", story.happened)]
    facts += [("source", source) for source in story.sources]
    facts.append(("compression", compressed(story)))
    bursts = "".join(
        f", {number(burst.rate_rps)}/s from {clock_time(burst.at_s)} to {clock_time(burst.ends_s)}"
        for burst in load.arrival.bursts
    )
    facts.append(("load", f"{number(load.arrival.rate_rps)}/s for {duration(load.duration_s)}{bursts}"))
    return facts + [("stops if", text) for text in test.abort_if]


def _timeline(test: TestPlan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("at", "fault", "where", "for", "note"):
        table.add_column(name, no_wrap=name in ("at", "fault", "for"), overflow="fold")
    for one in sorted(test.injections, key=lambda injection: injection.at_s):
        table.add_row(
            Text(clock_time(one.at_s)),
            Text(clean(one.fault), "bold"),
            Text(clean(one.at)),
            Text(duration(one.for_s)),
            Text(clean("; ".join(filter(None, [strength(one), one.note])))),
        )
    table.add_row()
    return table
