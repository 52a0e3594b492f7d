"""The reference router leaves who is slow: for a late median or a late tail, not for one answer, and not for good."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.wire import Refusal
from fixtures.router.breaker import Breaker, BreakerSettings
from fixtures.router.health import Health, HealthSettings
from fixtures.router.policy import Place, Policy, Settings

SETTINGS = HealthSettings()
QUICK_S, LATE_S = 0.15, 2.0
WAITS = st.lists(st.floats(0, 5), max_size=60)


def after(waits: Sequence[float], *, every_s: float = 0.1) -> bool:
    """Return whether an endpoint is slow after such times to first token."""
    health = Health(SETTINGS)
    for number, wait_s in enumerate(waits):
        health.note(number * every_s, wait_s)
    return health.is_slow(len(waits) * every_s)


@pytest.mark.parametrize(
    ("waits", "slow"),
    [
        ([QUICK_S] * 20, False),
        ([LATE_S] * 20, True),
        ([QUICK_S] * 9 + [LATE_S] * 11, True),
        ([QUICK_S, QUICK_S, QUICK_S, LATE_S] * 5, True),
        ([QUICK_S] * 19 + [LATE_S], False),
        ([0.7] * 20, True),
        ([LATE_S] * 9, False),
        ([LATE_S] * 20 + [QUICK_S] * 20, False),
    ],
    ids=["well", "all", "the median", "one in four", "one", "somewhat, but all", "few", "not any more"],
)
def test_a_median_or_a_tail_that_is_late_is_slow(waits: list[float], slow: bool) -> None:  # noqa: FBT001
    """One answer in four is enough, one in twenty is not; and what was long ago is forgotten."""
    assert slow == after(waits)


@given(WAITS)
def test_later_answers_never_make_it_quicker(waits: list[float]) -> None:
    """Whoever is slow is so, too, when each wait is longer."""
    assert after(waits) <= after([wait_s + 0.1 for wait_s in waits])


@given(WAITS)
def test_old_waits_do_not_count(waits: list[float]) -> None:
    """After a window of silence nobody is called slow."""
    health = Health(SETTINGS)
    for wait_s in waits:
        health.note(0.0, wait_s)
    assert not health.is_slow(SETTINGS.window_s + 0.01)


def _slow() -> Breaker:
    breaker = Breaker(BreakerSettings())
    for number in range(SETTINGS.answers_min):
        breaker.began(number / 10, LATE_S)
    return breaker


def test_a_slow_endpoint_is_left_and_let_back() -> None:
    """It opens without a failure; one late answer of a trickle opens it again; quick ones close it."""
    breaker = _slow()
    now_s = 1.0 + breaker.opens_in_s(1.0)
    assert [False, True] == [breaker.admits(1.0), breaker.admits(now_s)]
    breaker.began(now_s, LATE_S)
    assert not breaker.admits(now_s)
    for _ in range(200):
        now_s += 0.1
        if breaker.admits(now_s):
            breaker.began(now_s, QUICK_S)
            breaker.success(now_s)
    assert "closed" == breaker.state


def test_the_way_back_is_no_verdict_on_who_has_closed() -> None:
    """Each answer on it was judged alone; together with the first one after it they do not open the breaker again."""
    one_by_one_s = 0.7  # no answer that alone is too late, and a median that would be
    breaker = _slow()
    now_s = 1.0 + breaker.opens_in_s(1.0)
    while breaker.state != "closed":
        now_s += 0.1
        if breaker.admits(now_s):
            breaker.began(now_s, one_by_one_s)
            breaker.success(now_s)
    breaker.began(now_s, one_by_one_s)
    assert "closed" == breaker.state
    for _ in range(SETTINGS.answers_min - 1):
        breaker.began(now_s, one_by_one_s)
    assert "open" == breaker.state


def test_late_answers_are_better_than_none() -> None:
    """Whoever is open for being slow alone is asked when nobody else is left; whoever failed is not."""
    near, far = (Place(name=name, capacity="on-demand", region=name) for name in ("near", "far"))
    policy = Policy([near, far], {"acme": ["near", "far"]}, Settings())
    for number in range(SETTINGS.answers_min):
        policy.began(number / 10, "near", LATE_S)
    assert "far" == policy.pick(1.0, ["near", "far"], [])
    for _ in range(3):
        policy.failed(1.0, "far", Refusal("unavailable"))
    assert "near" == policy.pick(1.0, ["near", "far"], [])


def test_silence_counts_as_a_wait() -> None:
    """Whoever did not begin in time has waited at least so long."""
    health = Breaker(BreakerSettings())
    for number in range(SETTINGS.answers_min):
        (health.silent if number % 4 == 0 else health.began)(number / 10, LATE_S if number % 4 == 0 else QUICK_S)
    assert "open" == health.state


def test_what_the_caller_asked_wrongly_frees_a_probes_place() -> None:
    """A probe that was refused for its own sake has told nothing, and the next may ask."""
    policy = Policy([Place(name="near", capacity="gpu", region="near")], {"acme": ["near"]}, Settings())
    for _ in range(3):
        policy.failed(0.0, "near", Refusal("unavailable"))
    now_s = policy.breakers["near"].opens_in_s(0.0)
    assert "near" == policy.pick(now_s, ["near"], [])
    policy.failed(now_s, "near", Refusal("invalid"))
    assert "near" == policy.pick(now_s, ["near"], [])
