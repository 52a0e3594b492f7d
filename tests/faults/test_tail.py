"""The tail of tail-latency is Pareto's, within its bounds."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.clock import rng_for
from brownout.fault import make_fault
from faults.tail_latency import TailLatency
from tests.faults.exchanges import FakeExchange, through

LEVELS = st.floats(0.0, 1.0, exclude_max=True)
TAILS = st.builds(
    lambda delay_s, longer, shape: TailLatency(delay_s=delay_s, max_delay_s=delay_s * longer, shape=shape),
    st.floats(0.01, 100.0),
    st.floats(1.0, 1000.0),
    st.floats(0.1, 10.0),
)


@given(TAILS, LEVELS, LEVELS)
def test_delays_are_within_their_bounds_and_grow_with_the_level(tail: TailLatency, one: float, other: float) -> None:
    """None is shorter than the least or longer than the greatest; a higher level is no sooner."""
    low, high = sorted((one, other))
    assert tail.delay_s <= tail.drawn_s(low) <= tail.drawn_s(high) <= tail.max_delay_s
    assert tail.delay_s == tail.drawn_s(0.0)


@given(TAILS, LEVELS)
def test_the_part_that_is_later_than_a_delay_is_paretos(tail: TailLatency, level: float) -> None:
    """Of the uncut tail a part of (least / x) ** shape is later than x; the cut takes the same from both sides."""
    later = (tail.delay_s / tail.drawn_s(level)) ** tail.shape
    cut = (tail.delay_s / tail.max_delay_s) ** tail.shape
    assert 1.0 - level == pytest.approx((later - cut) / (1.0 - cut) if cut < 1.0 - 1e-6 else 1.0 - level, abs=1e-6)


@given(st.floats(0.01, 1.0), st.integers(1, 300), st.integers(0, 2**32))
def test_of_every_so_many_requests_one_is_late(tail_share: float, asked: int, seed: int) -> None:
    """However short the fault, its share is met to within two requests: none of it passes without a late one."""
    fault, memory = TailLatency(tail_share=tail_share), dict[str, Any]()
    exchanges = [FakeExchange(rng_for(seed, number), memory=memory) for number in range(asked)]
    for exchange in exchanges:
        through(fault, exchange)

    late = sum(exchange.firings for exchange in exchanges)
    assert math.floor(asked * tail_share) - 1 <= late <= math.ceil(asked * tail_share)


def test_a_small_part_is_late_and_its_tail_is_heavy() -> None:
    """Of ten thousand requests a fiftieth is late; half of these by at most 1.6 times the least, some by ten times."""
    fault = make_fault("tail-latency", {"tail_share": 0.02, "delay_s": 1.0, "shape": 1.5, "max_delay_s": 100.0})
    memory = dict[str, Any]()
    exchanges = [FakeExchange(rng_for(1, number), memory=memory) for number in range(10_000)]
    for exchange in exchanges:
        through(fault, exchange)
    late_s = sorted(exchange.slept_s for exchange in exchanges if exchange.slept_s)
    assert len(late_s) == sum(exchange.firings for exchange in exchanges)
    assert (True, True) == (199 <= len(late_s) <= 200, 1.3 <= late_s[len(late_s) // 2] <= 1.9)
    assert (True, True) == (2 <= sum(slept_s > 10 for slept_s in late_s) <= 20, late_s[-1] <= 100)
