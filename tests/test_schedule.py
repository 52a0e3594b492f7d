"""When a fault is on, how strong, and how often it comes: arithmetic that one seed repeats."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.clock import rng_for
from brownout.schedule import Repeat, Timing, strength_at, touches

SPANS = st.floats(0.0, 100.0, allow_nan=False)


@given(on_for_s=st.floats(-10.0, 300.0), for_s=st.floats(0.1, 200.0), ramp_s=SPANS, ramp_down_s=SPANS)
def test_strength_is_a_ratio_and_never_jumps_within_a_ramp(
    on_for_s: float, for_s: float, ramp_s: float, ramp_down_s: float
) -> None:
    """From 0 to 1; a small step in time is a small step in strength, where there are ramps."""
    now, later = (
        strength_at(at_s, for_s=for_s, ramp_s=ramp_s, ramp_down_s=ramp_down_s) for at_s in (on_for_s, on_for_s + 0.01)
    )
    assert 0.0 <= now <= 1.0
    assume(ramp_s > 0.1 and ramp_down_s > 0.1)
    assert abs(later - now) <= 0.01 / min(ramp_s, ramp_down_s) + 1e-9


def test_strength_rises_stays_and_falls() -> None:
    """Two seconds up, four down, of ten."""
    told = [strength_at(at_s, for_s=10.0, ramp_s=2.0, ramp_down_s=4.0) for at_s in (0.0, 1.0, 2.0, 6.0, 8.0, 9.0, 10.0)]
    assert [0.0, 0.5, 1.0, 1.0, 0.5, 0.25, 0.0] == told


def test_without_ramps_it_is_on_or_off() -> None:
    """Full from its first instant."""
    assert 1.0 == strength_at(0.0, for_s=10.0, ramp_s=0.0, ramp_down_s=0.0)


@given(
    times=st.integers(1, 30), every_s=st.floats(1.0, 60.0), at_s=st.floats(0.0, 60.0), probability=st.floats(0.0, 1.0)
)
def test_every_time_that_comes_is_on_the_grid_and_one_seed_repeats_it(
    times: int, every_s: float, at_s: float, probability: float
) -> None:
    """Numbers rise, instants are the schedule's, none comes twice; the same seed draws the same."""
    timing = Timing(at_s=at_s, for_s=1.0, repeat=Repeat(times=times, every_s=every_s), probability=probability)
    came = list(timing.occurrences(rng_for(1, "x")))
    assert came == list(timing.occurrences(rng_for(1, "x")))
    assert [(number, at_s + (number - 1) * every_s) for number, _ in came] == came
    assert sorted({number for number, _ in came}) == [number for number, _ in came]
    assert all(begins_s + timing.for_s <= timing.ends_s + 1e-9 for _, begins_s in came)


@given(times=st.integers(1, 50))
def test_chance_one_always_comes_and_chance_zero_never(times: int) -> None:
    """All of them, or none."""
    counts = [
        len(
            list(
                Timing(at_s=0, for_s=1, repeat=Repeat(times=times, every_s=1), probability=one).occurrences(rng_for(2))
            )
        )
        for one in (1.0, 0.0)
    ]
    assert [times, 0] == counts


def test_about_half_of_them_come_at_one_half() -> None:
    """Of a thousand."""
    timing = Timing(at_s=0, for_s=1, repeat=Repeat(times=1000, every_s=1), probability=0.5)
    assert 440 < len(list(timing.occurrences(rng_for(3)))) < 560


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"at_s": 0, "for_s": 5, "ramp_s": 3, "ramp_down_s": 3}, "together must be at most for_s"),
        ({"at_s": 0, "for_s": 5, "repeat": Repeat(times=2, every_s=4)}, "every_s must be at least for_s"),
    ],
)
def test_a_timing_that_cannot_be_is_refused(settings: dict[str, object], message: str) -> None:
    """Ramps longer than the fault, and times that overlap."""
    with pytest.raises(ValueError, match=message):
        Timing(**settings)  # type: ignore[arg-type]


def test_models_are_matched_as_patterns() -> None:
    """No pattern is every model; several are any of them."""
    told = [touches("anthropic.claude-3", one) for one in ([], ["anthropic.*"], ["gemini*"], ["gemini*", "*claude*"])]
    assert [True, True, False, True] == told
