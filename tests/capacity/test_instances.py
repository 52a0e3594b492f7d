"""Instances come up in their stages, are had or not, drain and go; a pool with more of them carries more."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity.instances import Fleet, FleetSettings
from brownout.clock import rng_for
from tests.capacity.gpu_load import demand, make_pool, run


def _fleet(**settings: Any) -> Fleet:
    return Fleet(FleetSettings(**settings), rng_for(1, "fleet"))


def _run(fleet: Fleet, until_s: float) -> None:
    while (wakes_s := fleet.wakes_at_s()) <= until_s:
        fleet.turn(wakes_s)


def _log(fleet: Fleet, instance: int) -> list[tuple[float, str]]:
    return [(event.at_s, event.what) for event in fleet.events if event.instance == instance]


# --- stages -------------------------------------------------------------------------------------------------------


def test_a_new_instance_takes_the_published_525_s() -> None:
    """By default it takes as long as was published, the weights being fetched while the image is pulled."""
    fleet = _fleet()
    fleet.scale_to(100.0, 2)
    _run(fleet, 2000.0)
    assert [
        (100.0, "provisioning"),
        (190.0, "pulling"),
        (523.0, "starting"),
        (625.0, "in-service"),
    ] == _log(fleet, 1)


def test_the_longer_of_image_and_weights_counts() -> None:
    """Large weights outlast the image."""
    fleet = _fleet(weights_s=1445.0)
    fleet.scale_to(0.0, 2)
    _run(fleet, 2000.0)
    assert [(90.0, "pulling"), (1535.0, "starting")] == _log(fleet, 1)[1:3]


def test_stages_shrink_by_their_scale_and_spread_by_their_jitter() -> None:
    """A test makes them short; a spread keeps instances from coming up in step, the same way for the same seed."""
    fleet = _fleet(startup_scale=0.01)
    fleet.scale_to(0.0, 2)
    _run(fleet, 100.0)
    assert 5.25 == pytest.approx(_log(fleet, 1)[-1][0])
    up_s = []
    for _ in range(2):
        jittered = _fleet(startup_jitter=0.2)
        jittered.scale_to(0.0, 6)
        _run(jittered, 2000.0)
        up_s.append([_log(jittered, number)[-1][0] for number in range(1, 6)])
    assert up_s[0] == up_s[1]
    assert len(set(up_s[0])) == 5
    assert all(0.8 * 525 <= one_s <= 1.2 * 525 for one_s in up_s[0])


# --- wanted and had -----------------------------------------------------------------------------------------------


@given(st.integers(0, 4), st.none() | st.integers(0, 4), st.lists(st.tuples(st.integers(0, 9), st.floats(0, 900))))
def test_no_more_machines_run_than_can_be_had(instances: int, spare: int | None, asks: list[tuple[int, float]]) -> None:
    """However the number wanted moves, machines are never more than there are, and in the end as many as can be."""
    fleet = _fleet(instances=instances, spare_instances=spare)
    most = 10**6 if spare is None else instances + spare
    now_s = 0.0
    for wanted, for_s in asks:
        fleet.scale_to(now_s, wanted)
        now_s += for_s
        _run(fleet, now_s)
        assert len(fleet.instances) <= most
        for one in fleet.in_state("draining"):
            fleet.end(now_s, one)
    _run(fleet, now_s + 700.0)
    assert min(fleet.desired, most) == fleet.current


def test_max_instances_bounds_what_is_asked_for() -> None:
    """More than the bound is refused."""
    fleet = _fleet(max_instances=3)
    with pytest.raises(ValueError, match="instances must be from 0 to 3; got 4"):
        fleet.scale_to(0.0, 4)
    assert 1 == fleet.desired


def test_scaling_in_lets_go_of_what_does_not_serve_first() -> None:
    """Those still starting go at once, then the newest in service drain."""
    fleet = _fleet(instances=3)
    fleet.scale_to(0.0, 5)
    fleet.scale_to(1.0, 2)
    assert {0: "in-service", 1: "in-service", 2: "draining"} == {
        number: one.state for number, one in fleet.instances.items()
    }


# --- with a pool behind -------------------------------------------------------------------------------------------


def test_scaling_out_raises_throughput_when_the_instances_are_up() -> None:
    """For as long as the stages take nothing changes; then the queue is worked off twice as fast."""
    pool = make_pool(max_batch=16)
    seats = [pool.admit(0.0, demand(512, 64)) for _ in range(500)]
    pool.scale_to(0.0, 2)
    run(pool, 39.9)
    assert (2, 1) == (pool.desired, pool.current)
    alone = sum(len(seat.due_s) for seat in seats)
    run(pool, 40.0)
    assert (2, 2) == (pool.desired, pool.current)
    seats += [pool.admit(40.0, demand(512, 64)) for _ in range(300)]
    run(pool, 59.9)
    more = sum(len(seat.due_s) for seat in seats) - alone
    assert 1.8 < (more / 19.9) / (alone / 39.9) < 2.2


def test_a_drained_instance_ends_what_it_has() -> None:
    """It takes nothing new, loses nothing, and goes when it is empty."""
    pool = make_pool(instances=2)
    seats = [pool.admit(0.0, demand(512, 100)) for _ in range(2)]
    pool.scale_to(1.0, 1)
    later = pool.admit(1.0, demand(512, 500))
    assert [("in-service", 1, 1), ("draining", 1, 0)] == [
        (one.state, one.running, one.waiting) for one in pool.instances
    ]
    run(pool, 10.0)
    assert [100, 100] == [len(seat.due_s) for seat in seats]
    assert ["in-service"] == [one.state for one in pool.instances]
    assert (seats[1].due_s[-1], "gone", 1) == pool.events[-1]
    run(pool)
    assert 500 == len(later.due_s)


def test_a_pool_scaled_to_nothing_does_not_listen() -> None:
    """Without an instance there is nobody to connect to."""
    pool = make_pool()
    pool.scale_to(0.0, 0)
    assert ([], False, None) == (pool.instances, pool.listening, pool.wakes_at_s())
