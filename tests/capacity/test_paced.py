"""An endpoint admits what it can carry, no more, and says truly when to come back."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brownout.capacity import Demand, Limits, Paced, Seat
from brownout.clock import rng_for
from brownout.wire import Refusal

DEMAND = Demand(prompt_tokens=10, output_tokens=5)
RATES = st.floats(0.1, 200)
BURSTS = st.floats(1, 50)
GAPS = st.lists(st.floats(0, 3), max_size=80)


def _capacity(limits: Limits) -> Paced:
    return Paced(limits, rng_for(1, "test"))


def _instants(gaps: list[float]) -> list[float]:
    now_s, instants = 0.0, []
    for gap_s in gaps:
        now_s += gap_s
        instants.append(now_s)
    return instants


def _admitted(limits: Limits, instants: list[float]) -> list[float]:
    capacity = _capacity(limits)
    return [now_s for now_s in instants if _wait_s(capacity, now_s) == 0]


def _wait_s(capacity: Paced, now_s: float) -> float:
    """Ask once; return how long to wait, 0 when admitted."""
    try:
        capacity.admit(now_s, DEMAND)
    except Refusal as refusal:
        return refusal.retry_after_s or -1.0
    return 0.0


@given(RATES, BURSTS, GAPS)
def test_never_more_than_burst_and_rate(rate_rps: float, burst: float, gaps: list[float]) -> None:
    """In any span of time no more is admitted than the bucket held and what filled it meanwhile."""
    admitted = _admitted(Limits(rate_rps=rate_rps, burst=burst), _instants(gaps))
    for first, start_s in enumerate(admitted):
        for count, end_s in enumerate(admitted[first:], start=1):
            assert count <= burst + rate_rps * (end_s - start_s) + 1e-6


@given(RATES, BURSTS, GAPS, st.floats(1, 3))
def test_more_quota_admits_no_less(rate_rps: float, burst: float, gaps: list[float], factor: float) -> None:
    """A greater rate or a deeper bucket never admits fewer."""
    instants = _instants(gaps)
    admitted = len(_admitted(Limits(rate_rps=rate_rps, burst=burst), instants))
    assert admitted <= len(_admitted(Limits(rate_rps=rate_rps * factor, burst=burst), instants))
    assert admitted <= len(_admitted(Limits(rate_rps=rate_rps, burst=burst * factor), instants))


@given(RATES, BURSTS, GAPS)
def test_who_comes_back_when_told_to_is_admitted(rate_rps: float, burst: float, gaps: list[float]) -> None:
    """After a refusal, the instant it names finds a token, and just before it does not."""
    capacity = _capacity(Limits(rate_rps=rate_rps, burst=burst))
    now_s = 0.0
    for gap_s in gaps:
        now_s += gap_s
        wait_s = _wait_s(capacity, now_s)
        if wait_s:
            with pytest.raises(Refusal, match="throttled"):
                capacity.admit(now_s + wait_s * 0.9, DEMAND)
            now_s += wait_s
            assert 0.0 == _wait_s(capacity, now_s)


@given(st.integers(1, 8), st.lists(st.booleans(), max_size=60))
def test_released_slots_return(concurrent: int, steps: list[bool]) -> None:
    """Requests in flight never exceed the bound, and every slot given back can be taken again."""
    capacity, expected = _capacity(Limits(concurrent=concurrent)), 0
    seats: list[Seat] = []
    for arrives in steps:
        if arrives and expected < concurrent:
            seats.append(capacity.admit(0.0, DEMAND))
            expected += 1
        elif arrives:
            with pytest.raises(Refusal, match="overloaded"):
                capacity.admit(0.0, DEMAND)
        elif expected:
            capacity.release(0.0, seats.pop(), 5)
            expected -= 1
        assert expected == capacity.in_flight


def test_a_busy_server_takes_no_quota() -> None:
    """A request refused because the servers are full leaves its token in the bucket."""
    capacity = _capacity(Limits(concurrent=1, rate_rps=0.001, burst=2))
    seat = capacity.admit(0.0, DEMAND)
    for _ in range(5):
        with pytest.raises(Refusal, match="overloaded"):
            capacity.admit(0.0, DEMAND)
    capacity.release(0.0, seat, 5)
    capacity.admit(0.0, DEMAND)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers())
def test_pace_stays_within_its_jitter(ttft_s: float, inter_token_s: float, jitter: float, seed: int) -> None:
    """Every pace drawn lies within the jitter about its median, and one seed draws one pace."""
    limits = Limits(ttft_s=ttft_s, inter_token_s=inter_token_s, jitter=jitter)
    first_s, second_s = _first_two_s(limits, seed)
    for drawn_s, median_s in ((first_s, ttft_s), (second_s - first_s, inter_token_s)):
        assert median_s * (1 - jitter) - 1e-9 <= drawn_s <= median_s * (1 + jitter) + 1e-9
    assert (first_s, second_s) == _first_two_s(limits, seed)


def _first_two_s(limits: Limits, seed: int) -> tuple[float, float]:
    seat = Paced(limits, rng_for(seed)).admit(0.0, DEMAND)
    first_s, second_s = seat.token_due_s(0), seat.token_due_s(1)
    assert first_s is not None
    assert second_s is not None
    return first_s, second_s


def test_without_limits_all_are_admitted() -> None:
    """An endpoint without limits refuses nobody."""
    capacity = _capacity(Limits())
    for _ in range(1000):
        capacity.admit(0.0, DEMAND)
    assert 1000 == capacity.in_flight


@example(1.0, 1.999999999999993, [])
@given(RATES, BURSTS, GAPS)
def test_the_standing_is_what_can_still_be_taken(rate_rps: float, burst: float, gaps: list[float]) -> None:
    """What the meter says remains can be taken at once, and one more cannot."""
    capacity = _capacity(Limits(rate_rps=rate_rps, burst=burst))
    for now_s in _instants(gaps):
        _wait_s(capacity, now_s)
    now_s = sum(gaps)
    remaining = capacity.standing(now_s)["requests"].remaining
    assert [0.0] * remaining == [_wait_s(capacity, now_s) for _ in range(remaining)]
    assert _wait_s(capacity, now_s) > 0
