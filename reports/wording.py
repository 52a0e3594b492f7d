"""Words and numbers that all reports share, so that one promise reads the same wherever it is read."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from brownout.plan import Plan, TestPlan, what_lacks
from brownout.verdict import Outcome, Promise, Verdicts

# What a reader must act on comes first.
WORST_FIRST: tuple[Outcome, ...] = ("fail", "unknown", "pass", "skipped")

# C0 and C1 controls, bidirectional overrides (they make a line read as another one), lone surrogates and the
# non-characters: none may reach a terminal, and XML 1.0 forbids most of them. Tab and newline are dealt with apart.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile(r"\s*[\t\r\n]\s*")


class TestOutcome(NamedTuple):
    """One test of the run with its promises, worst first; ``plan`` is None when the plan does not know the test.

    ``repeats`` are the plans of all its repeats, the first one's included.
    """

    test: str
    suite: str
    outcome: Outcome
    promises: list[Promise]
    plan: TestPlan | None
    repeats: list[TestPlan]


def clean(text: str, *, lines: bool = False) -> str:
    r"""Return the text with what could act on a terminal or break XML spelled out (``\x1b``).

    Args:
        text: anything that came from evidence.
        lines: keep newlines and tabs (for logs); else the text becomes one line.
    """
    flat = text if lines else _BREAKS.sub(" ", text)
    return _UNSAFE.sub(_spelled, flat)


def figure(promise: Promise) -> str:
    """Return what was observed, as its promise is written: in percent where that is; counts bare.

    ``-`` when nothing was observed, ``never`` when what was awaited did not come.
    """
    if promise.observed is None:
        return "never" if promise.outcome == "fail" else "-"
    if promise.unit == "ratio" and promise.slo.rstrip().endswith("%"):
        return f"{number(promise.observed * 100)}%"
    unit = "" if promise.unit in {"", "ratio", "count"} else f" {clean(promise.unit)}"
    return f"{number(promise.observed)}{unit}"


def interval(promise: Promise) -> str:
    """Return between what the figure behind the sample lies, in the promise's unit: ``95.1-98.6``; empty for facts."""
    low, high = promise.low, promise.high
    if promise.observed is None or (low is None and high is None):
        return ""
    scale = 100 if promise.unit == "ratio" and promise.slo.rstrip().endswith("%") else 1
    if low is None or high is None:
        return f"up to {number((high or 0.0) * scale)}" if low is None else f"from {number(low * scale)}"
    ends = [number(low * scale), number(high * scale)]
    return "" if ends[0] == ends[1] else "-".join(ends)


def measured(promise: Promise) -> str:
    """Return what was observed, and between what the figure behind it lies: ``97.3% (95.1-98.6)``."""
    between = interval(promise)
    return f"{figure(promise)} ({between})" if between else figure(promise)


def longer(plan: Plan) -> dict[str, int]:
    """Return why tests take longer than their profile has it, each reason with how many tests it is of."""
    return dict(Counter(test.stretched for test in plan.tests if test.stretched and test.repeat == 1))


def repeated(plan: Plan) -> str:
    """Return in words how often tests are played, where one is more than once."""
    times = Counter(len(group) for group in plan.groups())
    most = max(times, default=1)
    if most == 1:
        return ""
    if len(times) == 1:
        return f"each test played {most} times"
    again = times.total() - times[1]
    return f"{again} of {times.total()} tests played again, {most} times in all{' at most' if len(times) > 2 else ''}"


def number(value: float) -> str:
    """Return a number with four significant digits, or whole when it is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def size(size_bytes: int) -> str:
    """Return a size as people say it: ``870 B``, ``12.4 kB``, ``3.1 MB``."""
    value, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def duration(seconds: float) -> str:
    """Return a duration as people say it: ``8.3 s``, ``3 min 20 s``, ``1 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def worst_first(promises: Iterable[Promise]) -> list[Promise]:
    """Return the promises failing first, then unknown, kept, skipped; in order of judgement within each."""
    return sorted(promises, key=lambda promise: WORST_FIRST.index(promise.outcome))


def short_name(promise: Promise) -> str:
    """Return the promise's name within its test: its id without ``suite/test/``."""
    return clean(promise.id.removeprefix(f"{promise.suite}/{promise.test}/"))


def tally(promises: Iterable[Promise]) -> dict[Outcome, int]:
    """Return how many promises had each outcome, worst first, zeros included."""
    counts: dict[Outcome, int] = dict.fromkeys(WORST_FIRST, 0)
    for promise in promises:
        counts[promise.outcome] += 1
    return counts


def headline(promises: Iterable[Promise]) -> str:
    """Return the counts as a sentence: ``3 promises broken, 1 unknown, 20 kept``."""
    promises = list(promises)
    counts = tally(promises)
    if not any(counts.values()):
        return "no promise was judged"
    broken = counts["fail"]
    parts = [f"{broken} promise{'' if broken == 1 else 's'} broken"] if broken else []
    words: tuple[tuple[Outcome, str], ...] = (("unknown", "unknown"), ("pass", "kept"), ("skipped", "skipped"))
    parts += [f"{counts[outcome]} {word}" for outcome, word in words if counts[outcome]]
    seen = sum(one.outcome == "skipped" and one.seen_all_the_same for one in promises)
    return ", ".join(parts) + (f" ({seen} of them seen not to hold)" if seen else "")


def results(verdicts: Verdicts, plan: Plan) -> list[TestOutcome]:
    """Return the run's tests, worst first and else in plan order.

    A planned test nobody judged is among them as unknown (as skipped, when the plan says so), so that it is missed.
    """
    planned = {group[0].base: group for group in plan.groups()}
    judged: dict[str, list[Promise]] = {name: [] for name in planned}
    for promise in verdicts.promises:
        judged.setdefault(promise.test, []).append(promise)
    rows = [_result(name, promises, planned.get(name, [])) for name, promises in judged.items()]
    return sorted(rows, key=lambda row: WORST_FIRST.index(row.outcome))


def features_lacking(promise: Promise, plan: TestPlan | None) -> list[str]:
    """Return the undeclared features (and what else is lacking) for which a promise was skipped, as the plan says."""
    if plan is None:
        return []
    return plan.skipped or plan.lacking.get(promise.id.removeprefix(f"{promise.suite}/{promise.test}/"), [])


def skip_reason(promise: Promise, plan: TestPlan | None) -> str:
    """Return why a promise was skipped: what it was judged with, or else what the plan says is lacking."""
    lacking = features_lacking(promise, plan)
    return clean(promise.why or (what_lacks(lacking) if lacking else "skipped"))


def left_out(test: TestOutcome) -> str:
    """Return why the whole test was left out; nothing when it was not."""
    return clean(what_lacks(test.plan.skipped)) if test.plan and test.plan.skipped else ""


def _result(name: str, promises: list[Promise], repeats: list[TestPlan]) -> TestOutcome:
    plan = repeats[0] if repeats else None
    seen = {promise.outcome for promise in promises}
    outcome = next((outcome for outcome in WORST_FIRST if outcome in seen), None)
    if outcome is None:
        outcome = "skipped" if plan and plan.skipped else "unknown"
    suite = promises[0].suite if promises else plan.suite if plan else ""
    return TestOutcome(name, suite, outcome, worst_first(promises), plan, repeats)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
