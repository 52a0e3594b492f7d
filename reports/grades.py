"""How strong a run's proof is that nothing was seen where it may not be, from its verdicts."""

from collections.abc import Sequence
from typing import NamedTuple

from brownout.egress import GRADES, Grade
from brownout.metrics import METRICS
from brownout.verdict import Promise, Verdicts
from reports.wording import clean, tally

_ATTEMPTS = "boundary_violations"  # a promise of every suite, which endpoints alone can tell something of
_WHYS_MAX = 4

ABOUT: dict[Grade, str] = {
    "enforced": "Nothing could get past the layers, and all were complete.",
    "observed": "What the target sent, wrote and said was looked at. It could have gone elsewhere unseen.",
    "endpoints only": "No more is known than what the emulated endpoints received.",
}


class Reached(NamedTuple):
    """What a run's proof comes to.

    Attributes:
        grade: the weakest of its tests' grades: no run has a better one.
        whys: what keeps these from being stronger, each once.
        tests: the tests by their grades, the weakest first.
        promises: all that a grade is of, and those that would have one if they could have been judged.
        unpromised: how many of those that were left out are seen not to hold.
    """

    grade: Grade
    whys: list[str]
    tests: dict[Grade, list[str]]
    promises: list[Promise]
    unpromised: int = 0

    @property
    def said(self) -> str:
        """What of its promises was not kept: ``of 50 promises about it, 2 broken, 3 unknown``; empty where all were.

        With what nobody promised, and is seen not to hold.
        """
        counts = tally(self.promises)
        words = {"broken": counts["fail"], "unknown": counts["unknown"]}
        told = [f"{count} {word}" for word, count in words.items() if count]
        parts = [f"of {len(self.promises)} promises about it, {', '.join(told)}"] if told else []
        parts += [f"not promised, and seen not to hold: {self.unpromised}"] if self.unpromised else []
        return "; ".join(parts)


def reached(verdicts: Verdicts) -> Reached | None:
    """Return the grade that a run's proof reached; None where none of its promises has one."""
    about = [promise for promise in verdicts.promises if _is_graded(promise)]
    weakest: dict[str, Grade] = {}
    for promise in about:
        if promise.grade:
            name = f"{promise.suite}/{promise.test}"
            weakest[name] = _weaker(promise.grade, weakest.get(name, promise.grade))
    if not weakest:
        return None
    grade = max(weakest.values(), key=GRADES.index)
    whys = [why for promise in about if promise.grade == grade for why in promise.grade_why.split("; ") if why]
    tests = {one: [name for name, has in weakest.items() if has == one] for one in reversed(GRADES)}
    judged = [promise for promise in about if promise.outcome != "skipped"]
    unpromised = sum(promise.seen_all_the_same for promise in about)
    named = {one: names for one, names in tests.items() if names}
    return Reached(grade, list(dict.fromkeys(whys)), named, judged, unpromised)


def line(verdicts: Verdicts) -> str:
    """Return the grade in a line: ``observed (flows: nothing recorded it)``.

    Empty where there is nothing to be said: no promise has a grade, or all are those of every suite about attempts,
    played where endpoints are all that can be looked at.
    """
    found = reached(verdicts)
    if found is None:
        return ""
    if set(found.tests) == {"endpoints only"} and {promise.metric for promise in found.promises} <= {_ATTEMPTS}:
        return ""
    return clean(f"{_how_far(found)}{_because(found.whys)}{f'; {found.said}' if found.said else ''}")


def _how_far(found: Reached) -> str:
    if len(found.tests) == 1:
        return found.grade
    total = sum(map(len, found.tests.values()))
    others = [f"{len(names)} {grade}" for grade, names in found.tests.items() if grade != found.grade]
    return f"{found.grade} in {len(found.tests[found.grade])} of {total} tests, in {', '.join(others)}"


def _because(whys: Sequence[str]) -> str:
    more = [f"and {len(whys) - _WHYS_MAX} more"] if len(whys) > _WHYS_MAX else []
    return f" ({'; '.join([*whys[:_WHYS_MAX], *more])})" if whys else ""


def _is_graded(promise: Promise) -> bool:
    """Whether it is about what was seen where it may not be; of one that nobody could judge, the metric tells."""
    return bool(promise.grade) or (promise.metric in METRICS and METRICS[promise.metric].graded)


def _weaker(one: Grade, other: Grade) -> Grade:
    return max(one, other, key=GRADES.index)
