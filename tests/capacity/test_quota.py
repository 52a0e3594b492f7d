"""A quota says truly what is left of it and when there will be more, in both of its shapes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity.ramp import Ramp, RampQuota
from brownout.capacity.window import Quota, Refill, quota

REFILLS = st.sampled_from(["continuous", "fixed"])
LIMITS = st.integers(1, 3_000_000)
WINDOWS = st.sampled_from([0.5, 1.0, 10.0, 60.0])
STEPS = st.lists(st.tuples(st.floats(0, 90), st.floats(0, 1.5), st.booleans()), max_size=30)


def _worn(limit: int, window_s: float, refill: Refill, steps: list[tuple[float, float, bool]]) -> tuple[Quota, float]:
    """Return a quota with a history, and the time."""
    made, now_s = quota(limit, window_s=window_s, refill=refill), 0.0
    for gap_s, share, gives in steps:
        now_s += gap_s
        if gives:
            made.give(now_s, share * made.depth, now_s)
        else:
            made.take(now_s, share * made.depth)
    return made, now_s


@given(LIMITS, WINDOWS, REFILLS, STEPS, st.floats(0.001, 1))
def test_the_wait_named_is_true(
    limit: int, window_s: float, refill: Refill, steps: list[tuple[float, float, bool]], share: float
) -> None:
    """After the wait an amount fits, and before its end it does not."""
    made, now_s = _worn(limit, window_s, refill, steps)
    amount = share * made.depth
    wait_s = made.wait_s(now_s, amount)
    assert wait_s is not None
    assert 0.0 == made.wait_s(now_s + wait_s, amount)
    if wait_s > 1e-3:
        assert made.wait_s(now_s + 0.9 * wait_s, amount)


@given(LIMITS, WINDOWS, REFILLS, STEPS)
def test_what_is_greater_than_the_quota_never_fits(
    limit: int, window_s: float, refill: Refill, steps: list[tuple[float, float, bool]]
) -> None:
    """No wait is named for an amount that no waiting makes room for."""
    made, now_s = _worn(limit, window_s, refill, steps)
    assert made.wait_s(now_s, made.depth * 1.01 + 1) is None


@given(LIMITS, WINDOWS, REFILLS, STEPS)
def test_use_is_never_negative(
    limit: int, window_s: float, refill: Refill, steps: list[tuple[float, float, bool]]
) -> None:
    """Whatever is given back, no more is left than the quota holds."""
    made, now_s = _worn(limit, window_s, refill, steps)
    assert made.used(now_s) >= 0.0
    assert made.room(now_s) <= made.depth


@given(LIMITS, WINDOWS, REFILLS, STEPS)
def test_the_meter_is_true(limit: int, window_s: float, refill: Refill, steps: list[tuple[float, float, bool]]) -> None:
    """What the meter says remains fits, one more does not, and after the reset nothing is used."""
    made, now_s = _worn(limit, window_s, refill, steps)
    meter = made.meter(now_s)
    assert limit == meter.limit
    if meter.remaining:
        assert 0.0 == made.wait_s(now_s, meter.remaining)
    assert 0.0 != made.wait_s(now_s, meter.remaining + 1)
    assert made.used(now_s + meter.reset_s) <= 1e-6 * made.depth


@given(LIMITS, WINDOWS, REFILLS, STEPS, st.floats(0, 1))
def test_a_shrunk_quota_comes_back_whole(
    limit: int, window_s: float, refill: Refill, steps: list[tuple[float, float, bool]], ratio: float
) -> None:
    """Shrinking bounds the limit, restoring undoes it, and neither forgets what was used."""
    made, now_s = _worn(limit, window_s, refill, steps)
    used = made.used(now_s)
    made.shrink(now_s, ratio)
    assert math.floor(limit * ratio + 1e-3) >= made.meter(now_s).limit
    made.shrink(now_s, 1.0)
    assert used == pytest.approx(made.used(now_s))
    assert limit == made.meter(now_s).limit


@pytest.mark.parametrize(("refill", "left"), [("continuous", 30.0), ("fixed", 60.0)])
def test_what_ran_off_before_a_quota_shrank_stays_off(refill: Refill, left: float) -> None:
    """What was used runs off at the rate of its own time, and more slowly once less is enforced."""
    made = quota(60, refill=refill)
    made.take(0.0, 60)
    made.shrink(30.0, 0.5)
    assert left == pytest.approx(made.used(30.0))
    assert (0.0 if refill == "fixed" else 15.0) == pytest.approx(made.used(60.0))


def test_sixty_a_minute_over_a_second_is_one_a_second() -> None:
    """A quota enforced over a second lets no burst through, and the same rate."""
    made = quota(60, window_s=1.0)
    made.take(0.0, 1)
    assert 1.0 == pytest.approx(made.wait_s(0.0, 1))
    assert quota(60).wait_s(0.0, 60) == 0.0


@pytest.mark.parametrize("refill", ["continuous", "fixed"])
def test_a_window_is_never_too_short_for_one(refill: Refill) -> None:
    """Half a request a second is one every other second."""
    made = quota(30, window_s=1.0, refill=refill)
    assert 0.0 == made.wait_s(0.0, 1)
    made.take(0.0, 1)
    assert 2.0 == pytest.approx(made.wait_s(0.0, 1))


def test_a_fixed_window_forgets_all_at_its_end() -> None:
    """What was used in a window is gone with it, and so is what was reserved in it."""
    made = quota(100, window_s=60.0, refill="fixed")
    made.take(50.0, 100)
    assert 9.0 == pytest.approx(made.wait_s(51.0, 1))
    made.take(60.0, 80)
    made.give(61.0, 100, since_s=50.0)
    assert 80.0 == made.used(61.0)
    made.give(61.0, 30, since_s=60.0)
    assert 50.0 == made.used(61.0)


def test_a_ramp_follows_the_traffic_by_half_as_much_again() -> None:
    """A period may carry half as much again as the one before, and falls back to the floor when that was idle."""
    ramp = RampQuota(Ramp(above_tokens_per_minute=1000, growth=0.5, every_s=60.0))
    assert ramp.wait_s(0.0, 1001) is None
    ramp.take(0.0, 1000)
    assert 0.0 == ramp.wait_s(60.0, 1500)
    assert ramp.wait_s(60.0, 1501) is None
    ramp.take(60.0, 1500)
    assert 0.0 == ramp.wait_s(120.0, 2250)
    assert ramp.wait_s(240.0, 1001) is None


def test_a_slower_period_that_begins_meanwhile_lengthens_the_wait() -> None:
    """At a period's end the ramp may fall back to its floor; the wait named before it takes that into account."""
    ramp = RampQuota(Ramp(above_tokens_per_minute=1000, growth=0.5, every_s=600.0))
    for minute in range(10):
        ramp.take(minute * 60.0, 1100)
    assert 0.0 == ramp.wait_s(1199.4, 1650)
    ramp.take(1199.4, 1650)
    # 1 633.5 are used yet when the floor is back, and the bucket of the floor must be empty for 1 000.
    assert 0.6 + 1633.5 / 1000 * 60 == pytest.approx(ramp.wait_s(1199.4, 1000))


@given(
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 2000)), max_size=40),
    st.integers(1, 1000),
    st.sampled_from([7.0, 60.0, 90.0]),
)
def test_the_wait_of_a_ramp_is_true(traffic: list[tuple[float, int]], amount: int, every_s: float) -> None:
    """Also where a slower period begins meanwhile, the wait named is enough."""
    ramp, now_s = RampQuota(Ramp(above_tokens_per_minute=1000, growth=0.5, every_s=every_s)), 0.0
    for gap_s, tokens in traffic:
        now_s += gap_s
        if ramp.wait_s(now_s, tokens) == 0.0:
            ramp.take(now_s, tokens)
    wait_s = ramp.wait_s(now_s, amount)
    assert wait_s is not None
    assert 0.0 == ramp.wait_s(now_s + wait_s, amount)
