"""An interval holds what it says it holds, and says how much more of the same would settle a promise."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from brownout.history import History
from brownout.intervals import REPEATS_MAX, Kept, Longest, Mean, Quantile, Sample, Share, pooled, settled, settles_in
from brownout.judge import judge, judge_tests, read_histories, together
from brownout.metrics import Observation
from brownout.slo import parse_slo
from tests.histories import OFF_S, ON_S, Story, lost

RATES = [n / 200 for n in range(1, 200)]
QUANTILES = (0.5, 0.9, 0.95, 0.99)


def _chances(count: int, rate: float) -> list[float]:
    """Return the chance of each number of hits of ``count``."""
    choose = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in range(count + 1)]
    return [math.exp(ways + k * math.log(rate) + (count - k) * math.log(1 - rate)) for k, ways in enumerate(choose)]


def _misses(count: int) -> tuple[float, float]:
    """Return the worst chance, over all rates, that an interval lies wholly above its rate, and wholly below it.

    The worst rates are those just outside an end: there the most samples miss.
    """
    intervals = [Share(hits, count).interval() for hits in range(count + 1)]
    edges = [end + aside for both in intervals for end in both for aside in (-1e-9, 1e-9)]
    above = below = 0.0
    for rate in [*RATES, *(edge for edge in edges if 0 < edge < 1)]:
        chances = _chances(count, rate)
        above = max(above, sum(c for c, (low, _) in zip(chances, intervals, strict=True) if low > rate))
        below = max(below, sum(c for c, (_, high) in zip(chances, intervals, strict=True) if high < rate))
    return above, below


@pytest.mark.parametrize(
    ("count", "most"), [(5, 0.13), (10, 0.10), (20, 0.081), (30, 0.076), (52, 0.073), (100, 0.071), (200, 0.071)]
)
def test_a_share_misses_its_rate_on_a_side_about_as_seldom_as_it_says(count: int, most: float) -> None:
    """Whatever the rate is: not far above 5 cases of 100, by exact enumeration, and less so the more there are."""
    above, below = _misses(count)
    assert above <= most
    assert below <= most


def test_one_lost_request_does_not_prove_that_nearly_none_may_be_lost() -> None:
    """Towards the middle, too few of the rarer kind prove little: 1 lost of 100 breaks no promise of 99.9 % yet."""
    assert Share(99, 100).interval()[1] > 0.999
    assert Share(98, 100).interval()[1] < 0.999
    assert Share(1, 100).interval()[0] < 0.001


@pytest.mark.parametrize(("count", "proven"), [(51, False), (52, True)])
def test_fifty_two_served_of_fifty_two_prove_ninety_five_percent(count: int, *, proven: bool) -> None:
    """And fifty-one do not: suites choose their bounds by this."""
    assert proven == (Share(count, count).interval()[0] >= 0.95)


@st.composite
def shares(draw: st.DrawFn) -> Share:
    """Return any share of up to two hundred."""
    count = draw(st.integers(1, 200))
    return Share(draw(st.integers(0, count)), count)


@pytest.mark.parametrize(("now", "before"), [(30, 30), (60, 60), (90, 45)])
@pytest.mark.parametrize("former", [0.11, 0.3, 0.8])
def test_what_is_left_of_a_share_misses_on_a_side_as_seldom_as_it_says(now: int, before: int, former: float) -> None:
    """Whatever is left, and however little was known of the share before: by exact enumeration."""
    intervals = {
        (hits, formerly): Kept(Share(hits, now), Share(formerly, before)).interval()
        for hits in range(now + 1)
        for formerly in range(1, before + 1)
    }
    for left in (0.05, 0.25, 0.5, 0.8, 1.0):
        chances, formerly = _chances(now, former * left), _chances(before, former)
        above = sum(chances[a] * formerly[b] for (a, b), (low, _) in intervals.items() if low > left + 1e-9)
        below = sum(chances[a] * formerly[b] for (a, b), (_, high) in intervals.items() if high < left - 1e-9)
        assert max(above, below) <= 0.06, left


def test_a_share_that_was_hardly_known_before_proves_nothing_now() -> None:
    """Five of 45 may have been twice as many: the same eight of 90 that look like most of it may be a third."""
    assert (0.8, True) == (Kept(Share(8, 90), Share(5, 45)).value, Kept(Share(8, 90), Share(5, 45)).interval()[0] < 0.5)
    assert Kept(Share(80, 90), Share(40, 45)).interval()[0] > 0.85
    assert (0.0, 1.0) == Kept(Share(3, 4), Share(1, 40)).interval()


FIGURES = st.floats(0, 10).map(lambda value: round(value, 3))
VALUES = st.lists(FIGURES, min_size=1, max_size=60).map(lambda values: tuple(sorted(values)))
WAITS = st.one_of(
    st.builds(Longest, VALUES), st.builds(Longest, st.just(()), VALUES), st.builds(Longest, VALUES, VALUES)
)
KEPT = st.builds(Kept, shares(), shares().filter(lambda share: share.hits > 0))
SAMPLES: "st.SearchStrategy[Sample]" = st.one_of(
    shares(), KEPT, st.builds(Quantile, VALUES, st.sampled_from(QUANTILES)), st.builds(Mean, VALUES), WAITS
)


@given(SAMPLES)
def test_a_figure_lies_within_its_interval(sample: Sample) -> None:
    """The figure seen is never out of the interval around it."""
    low, high = sample.interval()
    assert low <= sample.value + 1e-9
    assert sample.value <= high + 1e-9


@pytest.mark.parametrize("count", [1, 2, 7, 10, 41, 52, 120, 300])
def test_more_served_never_make_an_interval_lower(count: int) -> None:
    """Both ends rise with the hits."""
    ends = [Share(hits, count).interval() for hits in range(count + 1)]
    assert all(one[0] <= other[0] and one[1] <= other[1] for one, other in pairwise(ends))
    assert all(0 <= low <= high <= 1 for low, high in ends)


@given(shares(), st.integers(2, 30))
def test_more_of_the_same_makes_a_share_no_less_certain(share: Share, times: int) -> None:
    """Repeats like the first narrow what it said."""
    low, high = share.interval()
    lower, higher = share.times(times).interval()
    assert low <= lower + 1e-12
    assert higher <= high + 1e-12


@given(shares())
def test_what_is_lost_is_the_other_side_of_what_is_served(share: Share) -> None:
    """The interval of the losses mirrors that of the hits."""
    low, high = share.interval()
    assert (1 - high, 1 - low) == pytest.approx(Share(share.of - share.hits, share.of).interval(), abs=1e-12)


@pytest.mark.parametrize("at", QUANTILES)
def test_a_quantile_misses_on_a_side_about_as_seldom_as_it_says(at: float) -> None:
    """Of continuous figures, by exact enumeration: at most 7.5 cases of 100, whatever their distribution."""
    for count in range(5, 500):
        low, high = Quantile(tuple(float(n) for n in range(1, count + 1)), at).interval()
        chances = _chances(count, at)  # of how many figures lie below the true quantile
        above = sum(chances[: int(low)]) if low > 0 else 0.0
        below = sum(chances[int(high) :]) if high <= count else 0.0
        assert above <= 0.05, count
        assert below <= (0.075 if count >= 10 else 0.11), count


@pytest.mark.parametrize(("at", "count"), [(0.99, 268), (0.95, 52), (0.90, 25), (0.5, 3)])
def test_a_quantile_is_bounded_from_above_by_enough_figures_only(at: float, count: int) -> None:
    """Of a few requests nothing bounds a p99: suites choose their percentiles by this."""
    assert math.inf == Quantile((1.0,) * (count - 1), at).interval()[1]
    assert 1.0 == Quantile((1.0,) * count, at).interval()[1]


def test_a_mean_of_one_is_without_bounds() -> None:
    """Nobody knows how much a second figure would differ; of figures that are all the same, none does."""
    assert (-math.inf, math.inf) == Mean((2.0,)).interval()
    assert (2.0, 2.0) == Mean((2.0,) * 10).interval()


@pytest.mark.parametrize(("values", "low", "high"), [((0.0, 1.0) * 50, 0.41734, 0.58266)])
def test_a_mean_has_the_normal_interval(values: tuple[float, ...], low: float, high: float) -> None:
    """Its mean, and 1.645 standard errors on each side."""
    assert (low, high) == pytest.approx(Mean(values).interval(), abs=1e-5)


def test_a_wait_that_nobody_saw_end_was_at_least_as_long_as_it_was_watched() -> None:
    """It may have been without end, or have ended a moment later."""
    assert (8.0, math.inf) == Longest(ended=(3.0,), open=(8.0, 7.0)).interval()
    assert (3.0, 3.0) == Longest(ended=(3.0, 2.0)).interval()


def _kinds(draw: st.DrawFn) -> list[Sample]:
    at = draw(st.sampled_from(QUANTILES))
    kind: st.SearchStrategy[Any] = draw(
        st.sampled_from([shares(), st.builds(Quantile, VALUES, st.just(at)), st.builds(Mean, VALUES), WAITS])
    )
    return draw(st.lists(kind, min_size=3, max_size=3))


@given(st.composite(_kinds)())
def test_pooling_does_not_care_about_groups(samples: list[Sample]) -> None:
    """One after another, or two of them first: the same sample comes out."""
    first, second, third = samples
    whole = pooled(samples)
    assert whole == pooled([pooled([first, second]), third])
    assert whole == pooled([first, pooled([second, third])])


@given(SAMPLES, st.integers(1, 9))
def test_repeats_alike_are_that_sample_pooled(sample: Sample, times: int) -> None:
    """What is foretold of repeats is what pooling them would make."""
    foretold, made = sample.times(times), pooled([sample] * times)
    assert foretold.value == pytest.approx(made.value)
    assert foretold.interval() == pytest.approx(made.interval())


BOUNDS: Sequence[Callable[[float], Callable[[float], bool]]] = (
    lambda bound: lambda value: value >= bound,
    lambda bound: lambda value: value <= bound,
    lambda bound: lambda value: value > bound,
    lambda bound: lambda value: value == bound,
)


@given(SAMPLES, FIGURES, st.sampled_from(["near", "anywhere"]), st.sampled_from(BOUNDS), st.integers(1, REPEATS_MAX))
@settings(max_examples=300)
def test_repeats_that_settle_are_the_fewest(
    sample: Sample,
    bound: float,
    aim: str,
    comparing: Callable[[float], Callable[[float], bool]],
    at_most: int,
) -> None:
    """So many settle it and one less does not; none are named exactly when the most that are to be had do not."""
    if aim == "near":
        bound = round(sample.value, 2)
    elif isinstance(sample, Share):
        bound /= 10
    holds = comparing(bound)
    repeats = settles_in(sample, holds, at_most)
    if repeats is None:
        assert not settled(sample.times(at_most), holds)
        return
    assert 1 <= repeats <= at_most
    assert settled(sample.times(repeats), holds)
    assert repeats == 1 or not settled(sample.times(repeats - 1), holds)


@given(shares(), st.floats(0.01, 0.99))
def test_a_share_that_settles_once_stays_settled(share: Share, bound: float) -> None:
    """No number of repeats below the one named would have done, and none above it undoes it."""
    assume(abs(share.value - bound) > 0.02)
    repeats = settles_in(share, lambda value: value >= bound)
    first = next((n for n in range(1, REPEATS_MAX + 1) if settled(share.times(n), lambda value: value >= bound)), None)
    assert first == repeats


# -- what the judge makes of it


def _served(tmp_path: Path, losses: int, bound: str = "95%", count: int = 100) -> Story:
    """Return a history of which so many of a hundred requests during the fault were lost."""
    story = Story(tmp_path, f"served_during_fault >= {bound}", rate_rps=14)
    during = story.during()[:count]
    others = [one for place, one in enumerate(story.client) if place not in story.during()]
    kept = [story.client[place] for place in during]
    for place, one in enumerate(kept[:losses]):
        kept[place] = lost(0, one.due_s, canary=one.canary, tenant=one.tenant)
    story.client = sorted([*others, *kept], key=lambda one: one.due_s)
    assert count == sum(ON_S <= one.due_s < OFF_S for one in kept)
    return story


@pytest.mark.parametrize(
    ("losses", "outcome", "repeats"),
    [
        (0, "pass", None),
        (1, "pass", None),
        (2, "unknown", 2),
        (5, "unknown", None),
        (8, "unknown", 2),
        (10, "fail", None),
    ],
)
def test_a_bound_within_the_interval_is_neither_kept_nor_broken(
    tmp_path: Path, losses: int, outcome: str, repeats: int | None
) -> None:
    """Wholly on the good side: pass; wholly on the bad one: fail; else unknown, with the repeats that would tell."""
    verdict = _served(tmp_path, losses).verdict()
    assert (outcome, repeats) == (verdict.outcome, verdict.repeats)
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low <= 1 - losses / 100 <= verdict.high
    assert ("too near the bound" in verdict.why) == (outcome == "unknown")


def test_repeats_named_are_those_in_all(tmp_path: Path) -> None:
    """Of a test played twice, the command that would settle it names twice as many as are missing."""
    story = _served(tmp_path, 4)
    alone = story.verdict()
    history = _history(story)
    (both,) = judge_tests([history, history])
    assert ("unknown", "unknown") == (alone.outcome, both.outcome)
    assert 13 == alone.repeats
    assert 14 == both.repeats
    assert "7 times as much of the same would settle it (--repeat 14)" in both.why


def test_repeats_are_pooled(tmp_path: Path) -> None:
    """What one run leaves open, several alike decide; and say how many of them kept it."""
    history = _history(_served(tmp_path, 2))
    assert ["unknown"] == [one.outcome for one in judge_tests([history])]
    (verdict,) = judge_tests([history] * 3)
    assert ("pass", 300, 0.98) == (verdict.outcome, verdict.samples, verdict.observed)
    assert verdict.why.startswith("kept by 3 of 3 repeats; ")


def test_red_stays_red(tmp_path: Path) -> None:
    """What one repeat proved is broken no green ones outvote where it is a count; where it is a rate, all are one."""
    good, bad = _story(tmp_path / "good"), _story(tmp_path / "bad")
    bad.client[150] = lost(0, bad.client[150].due_s, "hung", canary=bad.client[150].canary, end_s=30.0)
    (verdict,) = judge_tests([_history(good), _history(bad), _history(good)])
    assert ("fail", 1.0) == (verdict.outcome, verdict.observed)
    assert verdict.why.startswith("kept by 2 of 3 repeats; the worst: 1 of 420")
    assert [bad.client[150].canary] == verdict.witnesses


def _story(folder: Path) -> Story:
    folder.mkdir()
    return Story(folder, "hung_requests <= 0", rate_rps=14)


def _history(story: Story) -> History:
    run = story.write()
    return read_histories(run, run.plan())[story.plan.test]


@given(st.lists(st.integers(0, 5), min_size=2, max_size=5))
def test_of_counts_the_worst_repeat_is_the_figure(counts: list[int]) -> None:
    """A mean would hide it."""
    slo = parse_slo("boundary_violations <= 2")
    seen = together([Observation(value=count, samples=10, why=str(count)) for count in counts], slo)
    assert slo.holds(seen.value) == (max(counts) <= 2)
    assert seen.value == (next((n for n in counts if n > 2), None) or max(counts))
    assert 10 * len(counts) == seen.samples


def test_a_promise_of_exactly_so_much_is_never_proven_by_a_sample(tmp_path: Path) -> None:
    """A figure in the midst of its interval equals the bound by chance; one with no width does so for good."""
    story = _served(tmp_path, 5)
    story.plan = msgspec.structs.replace(story.plan, promises={"exactly": "served_during_fault == 95%"})
    assert "unknown" == story.verdict().outcome
    assert settled(Mean((1.0,) * 10), lambda value: value == 1.0)


def test_judging_a_run_gives_intervals_in_the_file(tmp_path: Path) -> None:
    """verdicts.json has both ends, and the repeats."""
    run = _served(tmp_path, 2).write()
    judge(run)
    text = run.file("verdicts.json").read_text()
    assert '"low": 0.9' in text
    assert '"repeats": 2' in text
