"""What chance alone leaves unknown is played again, as often as it seems to take, and judged as one with the first."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.clock import rng_for
from brownout.intervals import Share, settled, settles_in
from brownout.plan import Plan, TestPlan
from brownout.rundir import RunDir
from brownout.target import load_target
from brownout.verdict import ExitCode, Outcome, Promise, Verdicts
from fixtures.carry_out import Outing, carry_out
from fixtures.catalogue import REFERENCE_TARGET
from fixtures.gate import make_plan
from fixtures.settle import again, plays, repeats, widened
from reports.wording import repeated
from tests.options import reference_options

MOST = 5


def _plan(*tests: str) -> Plan:
    return make_plan(reference_options(profile="smoke", clock="virtual", only=tests))


PLAN = _plan("region-5xx", "region-refused")
FIRST = PLAN.tests[0].test


def _promise(test: TestPlan, outcome: Outcome, times: int | None) -> Promise:
    return Promise(
        id=f"{test.suite}/{test.base}/x",
        suite=test.suite,
        test=test.base,
        slo="availability >= 95%",
        outcome=outcome,
        observed=1.0,
        unit="ratio",
        samples=40,
        witnesses=[],
        why="",
        repeats=times,
    )


def _verdicts(*promises: Promise, stopped: str = "") -> Verdicts:
    return Verdicts(
        outcome="unknown",
        target="t",
        seed=1,
        started_at="",
        duration_s=1.0,
        promises=list(promises),
        stopped=stopped,
    )


def _asked(*found: tuple[Outcome, int | None], stopped: str = "") -> list[str]:
    made = [_promise(PLAN.tests[0], outcome, times) for outcome, times in found]
    return [test.test for test in again(PLAN, _verdicts(*made, stopped=stopped), MOST)]


def test_what_more_of_the_same_would_settle_is_played_again() -> None:
    """Half as often again as it seems to take, and only the test that it is about."""
    assert [f"{FIRST}.2", f"{FIRST}.3"] == _asked(("unknown", 2))


def test_the_promise_that_needs_the_most_decides() -> None:
    """And there are never more plays in all than were allowed."""
    assert [f"{FIRST}.{number}" for number in range(2, MOST + 1)] == _asked(("unknown", 2), ("unknown", 4))


@pytest.mark.parametrize("found", [("unknown", None), ("pass", None), ("fail", None)])
def test_what_more_of_the_same_would_not_settle_is_left(found: tuple[Outcome, int | None]) -> None:
    """No evidence, and whatever is settled already."""
    assert [] == _asked(found)


def test_nothing_of_a_stopped_run_is_played_again() -> None:
    """What stopped it would be met again."""
    assert [] == _asked(("unknown", 2), stopped="availability fell")


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 8))
def test_plays_in_all_are_enough_and_not_too_many(needed: list[int], most: int) -> None:
    """As many as the promises need, where so many are allowed, and no number twice."""
    first = PLAN.tests[0]
    more = again(PLAN, _verdicts(*(_promise(first, "unknown", times) for times in needed)), most)
    wide = widened(PLAN, more)
    (group, other) = wide.groups()
    assert (1, len(more)) == (len(other), len(group) - 1)
    assert list(range(1, len(group) + 1)) == [test.repeat for test in group]
    assert len(wide.tests) == len({test.test for test in wide.tests})
    assert min(max(needed), most) <= len(group) <= most


def _few(plan: Plan) -> Plan:
    """Return the plan's tests with a promise that one play has too few requests for."""
    tests = [msgspec.structs.replace(test, promises={"availability": "availability >= 99.5%"}) for test in plan.tests]
    return msgspec.structs.replace(plan, tests=tests)


@pytest.mark.parametrize(("settle", "code"), [(1, ExitCode.UNKNOWN), (MOST, ExitCode.PASS)])
def test_a_gate_settles_what_one_play_leaves_unknown(tmp_path: Path, settle: int, code: ExitCode) -> None:
    """The repeats are in the plan and in the evidence, and are judged with the first; told not to, it says unknown."""
    target, folder = load_target(str(REFERENCE_TARGET))
    plan = _few(_plan("region-5xx"))
    out = Outing(plan=plan, target=target, folder=folder, out=tmp_path, argv=["gate"], json=True, settle=settle)
    assert code == carry_out(out)
    run = RunDir.open(tmp_path / "gate" / "latest")
    played = Counter(record.test for record in run.client())
    assert [test.test for test in run.plan().tests] == list(played)
    assert (settle > 1) == (len(played) > 1)
    (promise,) = run.verdicts().promises
    assert sum(played.values()) == promise.samples


def test_reports_say_which_part_was_played_again() -> None:
    """All of it, some of it, or none."""
    first, second = PLAN.tests
    assert "" == repeated(PLAN)
    assert "1 of 2 tests played again, 3 times in all" == repeated(widened(PLAN, repeats(first, 2, 3)))
    both = [*repeats(first, 2, 3), *repeats(second, 2, 3)]
    assert "each test played 3 times" == repeated(widened(PLAN, both))


@pytest.mark.parametrize("rate", [0.9, 0.95])
@pytest.mark.parametrize("size", [60, 150])
def test_looking_twice_misleads_hardly_more_often(rate: float, size: int) -> None:
    """A share that lies at its bound exactly is called kept, or broken, by chance in up to 10 % of the cases each."""
    drawn, tries = rng_for(11, "looks").random, 2000
    called = Counter(_looked_twice(drawn, rate, size) for _ in range(tries))
    assert called["kept"] <= tries * 0.11
    assert called["broken"] <= tries * 0.11


def _looked_twice(drawn: Callable[[], float], rate: float, size: int) -> str:
    """Judge a share of so many requests, and where that tells nothing, of as many more as `again` would have."""
    seen = Share(sum(drawn() < rate for _ in range(size)), size)
    times = settles_in(seen, lambda value: value >= rate)
    if not settled(seen, lambda value: value >= rate) and times:
        more = plays(times, MOST) - 1
        seen = Share(seen.hits + sum(drawn() < rate for _ in range(size * more)), size * (1 + more))
    if not settled(seen, lambda value: value >= rate):
        return "unknown"
    return "kept" if seen.value >= rate else "broken"
