"""When a place was left: chance makes gaps, too, and is not to be taken for a router's decision."""

import math
from collections.abc import Iterable
from random import Random  # noqa: TID251 - a type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.clock import rng_for
from brownout.intervals import Share, settled, settles_in
from brownout.leaving import Leaving, Leavings

BOUND_S, LASTS_S, RATE_RPS, BEFORE = 6.0, 10.0, 8, 40
SHARES = [0.2, 0.25, 0.4, 0.6, 0.8, 0.95]


def _holds(figure_s: float) -> bool:
    return figure_s <= BOUND_S


def _leaving(rng: Random, share: float, quiet: Iterable[tuple[float, float]] = ()) -> Leaving:
    """Return what one sees of a router that sends a place a share at random, but for some stretches of time."""
    times_s = sorted(rng.uniform(0, LASTS_S) for _ in range(int(RATE_RPS * LASTS_S)))
    spans = list(quiet)
    firsts = [(at, rng.random() < share and not any(on <= at < off for on, off in spans)) for at in times_s]
    return Leaving(Share(sum(rng.random() < share for _ in range(BEFORE)) or 1, BEFORE), tuple(firsts))


def _outcomes(samples: list[Leaving]) -> dict[str, float]:
    """Return which part of them is found to have left in time, to have not, and to need more."""
    told = [
        "more" if not settled(one, _holds) else "in time" if _holds(one.value) else "not in time" for one in samples
    ]
    return {kind: told.count(kind) / len(told) for kind in ("in time", "not in time", "more")}


@pytest.mark.parametrize("share", SHARES)
def test_who_stays_hardly_ever_seems_to_have_left(share: float) -> None:
    """At most two of a hundred that never leave look as if they had; two in three are known at once."""
    rng = rng_for(5, "stays")
    told = _outcomes([_leaving(rng, share) for _ in range(300)])
    assert (True, True) == (told["in time"] <= 0.02, told["not in time"] >= 0.6)


@pytest.mark.parametrize("share", SHARES)
def test_who_leaves_in_time_is_hardly_ever_taken_for_one_that_stays(share: float) -> None:
    """Even one that is back after 5 s, all at once, and needs as long again to leave once more."""
    rng = rng_for(6, "leaves")
    told = _outcomes([_leaving(rng, share, [(2.5, 7.5)]) for _ in range(300)])
    assert told["not in time"] <= 0.05


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(("quiet", "told"), [((3.0, 8.0), "in time"), ((9.9, 10.0), "not in time")])
def test_repeats_tell_what_one_play_cannot(share: float, quiet: tuple[float, float], told: str) -> None:
    """Five plays, laid over each other, leave hardly any in doubt, and nearly none on the wrong side."""
    rng = rng_for(7, "repeats")
    plays = [[_leaving(rng, share, [quiet]) for _ in range(5)] for _ in range(60)]
    assert _outcomes([first.with_(rest) for first, *rest in plays])[told] >= 0.95


def test_what_is_laid_over_each_other_is_told_alike() -> None:
    """Leaving after 4 s is found at 4 s, however many plays there are."""
    rng = rng_for(8, "alike")
    one, *rest = [_leaving(rng, 1.0, [(4.0, LASTS_S)]) for _ in range(4)]
    assert [4.0, 4.0] == [round(one.value), round(one.with_(rest).value)]


def test_a_long_quiet_end_does_not_make_up_for_a_late_leaving() -> None:
    """One request that went elsewhere early on is no beginning: after it, most still went there."""
    firsts = [(at / 10, at < 80 and at != 45) for at in range(200)]
    assert 8.0 == Leaving(Share(40, 40), tuple(firsts)).value


def test_a_place_that_is_not_asked_any_more_when_the_fault_begins_was_left_at_once() -> None:
    """None of forty came."""
    assert 0.0 == Leaving(Share(20, 40), tuple((at / 4, False) for at in range(40))).value


def test_more_of_the_same_is_said_to_settle_it_where_it_would() -> None:
    """A gap that one play leaves in doubt: some plays like it would do."""
    firsts = tuple((at / 8, at % 4 == 0 and not 20 <= at < 48) for at in range(80))
    sample = Leavings({"region-down-1": Leaving(Share(10, 40), firsts)})
    assert (False, True) == (settled(sample, _holds), 2 <= (settles_in(sample, _holds) or 0) <= 5)


def test_of_several_faults_the_one_left_last_counts() -> None:
    """And repeats are laid over each other fault by fault."""
    early = Leaving(Share(40, 40), tuple((at / 10, at < 20) for at in range(100)))
    late = Leaving(Share(40, 40), tuple((at / 10, at < 50) for at in range(100)))
    both = Leavings({"one": early, "two": late})
    assert [5.0, 5.0] == [both.value, both.with_([both]).value]


@given(st.lists(st.booleans(), max_size=120), st.integers(1, 40), st.integers(1, 5))
def test_it_may_have_been_left_before_it_surely_was(hits: list[bool], before: int, alike: int) -> None:
    """Whatever the requests: the interval is one, and lies in the fault or has no end."""
    firsts = tuple((at / 8, hit) for at, hit in enumerate(hits))
    low, high = Leaving(Share(before, 40), firsts).times(alike).interval()
    assert (True, True) == (0 <= low <= high, high == math.inf or high <= len(hits) / 8)


def test_a_pause_is_no_leaving() -> None:
    """One that asks elsewhere for a second, and then goes on as before, knows nothing."""
    firsts = [(at / 10, not 30 <= at < 40) for at in range(100)]
    assert math.inf == Leaving(Share(40, 40), tuple(firsts)).value
