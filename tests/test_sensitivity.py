"""The sensitivity of the suites is measured, not asserted: each strength of a defect is played, and counted."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from brownout.metrics import METRICS
from brownout.verdict import Outcome, Promise
from fixtures.sensitivity import Curve, Seen, carrying, curve_of, graded, play_strength, seen_of
from reports.sensitivity import Rung, print_rungs

DEFECT = "truncates-some"
WEAK, MIDDLE, STRONG = graded()[DEFECT].strengths


def _promise(slo: str, outcome: Outcome) -> Promise:
    return Promise(
        id=f"s/t/{slo}",
        suite="s",
        test="t",
        slo=slo,
        outcome=outcome,
        observed=None,
        unit="count",
        samples=0,
        witnesses=[],
        why="",
    )


def _seen(own: Outcome, *others: str) -> Seen:
    return Seen(own=own, others=list(others))


def _curve(weak: list[Outcome], middle: list[Outcome], strong: list[Outcome]) -> Curve:
    runs = {WEAK: weak, MIDDLE: middle, STRONG: strong}
    return curve_of(DEFECT, "fast", {strength: [_seen(one) for one in outcomes] for strength, outcomes in runs.items()})


def test_a_run_is_as_bad_as_the_worst_of_the_defects_own_promise() -> None:
    """One test that catches it is enough; other promises are named, and do not count."""
    promises = [
        _promise("truncated_as_success <= 0", "pass"),
        _promise("truncated_as_success during stream-cut <= 0", "unknown"),
        _promise("availability[tenant=acme] >= 90%", "fail"),
        _promise("availability >= 90%", "fail"),
    ]
    assert _seen("unknown", "availability") == seen_of(promises, "truncated_as_success")
    red = [*promises, _promise("truncated_as_success[class=interactive] <= 0", "fail")]
    assert _seen("fail", "availability") == seen_of(red, "truncated_as_success")
    assert _seen("skipped") == seen_of([], "truncated_as_success")


@pytest.mark.parametrize(
    ("weak", "middle", "strong", "caught_from"),
    [
        (["fail", "fail"], ["fail", "fail"], ["fail", "fail"], "0.5 %"),
        (["fail", "pass"], ["fail", "fail"], ["fail", "fail"], "2 %"),
        (["fail", "fail"], ["unknown", "fail"], ["fail", "fail"], "5 %"),
        (["fail", "fail"], ["fail", "fail"], ["fail", "skipped"], ""),
        (["pass", "pass"], ["pass", "pass"], ["pass", "pass"], ""),
        ([], [], [], ""),
    ],
)
def test_a_defect_is_caught_from_where_every_stronger_run_is_red(
    weak: list[Outcome], middle: list[Outcome], strong: list[Outcome], caught_from: str
) -> None:
    """Neither an unknown nor a lucky red of a weaker one counts as caught."""
    assert caught_from == _curve(weak, middle, strong).caught_from


def test_runs_are_counted_by_their_outcome() -> None:
    """Red, unknown (also what was left out) and green add up to the runs."""
    one = _curve([], [], ["fail", "fail", "unknown", "skipped", "pass"]).strengths[-1]
    assert (2, 2, 1) == (one.red, one.unknown, one.green)


@pytest.mark.parametrize("name", graded())
def test_each_graded_defect_breaks_a_promise_that_tests_carry(name: str) -> None:
    """Its strengths rise, its metric is known, and a gate's own tests promise something about it."""
    defect = graded()[name]
    assert sorted(defect.strengths) == list(defect.strengths)
    assert defect.caught_by in METRICS
    assert carrying(defect.caught_by, "fast")
    assert set(carrying(defect.caught_by, "fast")) <= set(carrying(defect.caught_by, "full"))


@pytest.mark.parametrize(("strength", "own"), [(0.0, "pass"), (STRONG, "fail")])
def test_a_strength_of_nothing_is_green_and_the_strongest_is_red(tmp_path: Path, strength: float, own: str) -> None:
    """It is the defect that turns the promise red, and nothing else about the router that has it."""
    assert own == play_strength(DEFECT, strength, 1, "smoke", tmp_path / "run").own
    assert [] == list(tmp_path.iterdir())


def test_a_line_a_strength_is_printed() -> None:
    """With its counts, and what else turned red in how many runs."""
    console = Console(file=io.StringIO(), width=120, color_system=None)
    print_rungs([Rung("is late by 3 s", "time_to_failover_s", 4, 1, 0, ["availability 2"])], console)
    assert isinstance(console.file, io.StringIO)
    header, line = (one.split() for one in console.file.getvalue().splitlines()[:2])
    assert ["the", "router", "promise", "red", "unknown", "green", "also", "red"] == header
    assert ["is", "late", "by", "3", "s", "time_to_failover_s", "4", "1", "0", "availability", "2"] == line
