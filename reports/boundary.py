"""The boundary as a report tells it: the grade, the layers, where data went, and each violation as a story."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.verdict import Verdicts
from reports.grades import ABOUT, reached
from reports.layers import ABOUT as LOOKS_AT
from reports.layers import layer_table
from reports.leak_words import lay, moment, place, sentence, when, whose
from reports.leaks import Leak, Story, leaks_of, stories_of
from reports.ledger import ledger
from reports.reading import Evidence, read

View: TypeAlias = dict[str, Any]
_STORIES_MAX = 12
_FAULTS_MAX = 4
_TESTS_MAX = 6


def run_leaks(plan: Plan, evidence: Evidence) -> dict[str, list[Leak]]:
    """Return what got out in each test of a run, repeats apart."""
    return {test.test: leaks_of(test, plan, evidence) for test in plan.tests}


def boundary_view(plan: Plan, verdicts: Verdicts, evidence: Evidence, leaks: Mapping[str, Sequence[Leak]]) -> View:
    """Return what the boundary's section of a page shows."""
    every = [leak for found in leaks.values() for leak in found]
    stories = stories_of(every)
    records = [record for test in evidence.provider.values() for record in test]
    found = reached(verdicts)
    return {
        "grade": found,
        "grade_about": ABOUT[found.grade] if found else "",
        "broken": any(one.outcome == "fail" for one in found.promises) or found.unpromised > 0 if found else False,
        "layers": layer_table(evidence.layers, [test for test in plan.tests if not test.skipped]),
        "looks_at": LOOKS_AT,
        "ledger": ledger(plan, records, every),
        "stories": [_story_view(story) for story in stories[:_STORIES_MAX]],
        "stories_more": len(stories) - _STORIES_MAX,
        "seen_more": sum(story.times for story in stories[_STORIES_MAX:]),
    }


def first_stories(run: RunDir, plan: Plan, verdicts: Verdicts) -> dict[str, str]:
    """Return, by promise, the first story of each that was broken by what was seen where it may not be.

    Evidence is read only where there is such a promise; what cannot be read tells no story.
    """
    red = [one for one in verdicts.promises if (one.outcome == "fail" and one.grade) or one.seen_all_the_same]
    if not red:
        return {}
    evidence = read(run)
    tests = {promise.test for promise in red}
    leaks = {test.test: leaks_of(test, plan, evidence) for test in plan.tests if test.base in tests}
    first = {
        (test.base, leak.way.metric): leak
        for test in reversed(plan.tests)
        for leak in reversed(leaks.get(test.test, []))
    }
    return {one.id: sentence(first[one.test, one.metric]) for one in red if (one.test, one.metric) in first}


def _story_view(story: Story) -> View:
    way, first, last = story.way, story.first, story.last
    faults = list(story.faults.items())
    return {
        "layer": way.layer,
        "whose": whose(way),
        "place": place(way),
        "lay": lay(way),
        "verb": "called" if not way.tenant else "in" if way.layer in {"replies", "telemetry", "files"} else "at",
        "why": first.why if not way.tenant else "",
        "times": story.times,
        "requests": story.requests,
        "first": when(first),
        "canary": first.canary,
        "within": first.within,
        "at_byte": f"{way.part} at byte {first.offset}" if way.part else "",
        "last": moment(last) if len(story.leaks) > 1 else "",
        "last_canary": last.canary,
        "faults": faults[:_FAULTS_MAX],
        "faults_more": sum(count for _, count in faults[_FAULTS_MAX:]),
        "tests": story.tests[:_TESTS_MAX],
        "tests_more": len(story.tests[_TESTS_MAX:]),
    }
