"""What is broken in a pool counts what it does and nothing else, and can be taken back in any order, whole."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.wire import Cut, Refusal
from tests.capacity.gpu_load import RESTART_S, ask_steadily, demand, gaps, make_pool, run

SCREWS: dict[str, Callable[[GpuPool, float], Toll]] = {
    "lose a rank": lambda pool, now_s: pool.lose_rank(now_s, pool.serving[0]),
    "kill an engine": lambda pool, now_s: pool.kill_engine(now_s, pool.serving[0]),
    "lose an instance": lambda pool, now_s: pool.lose_instances(now_s, 1),
    "withhold": lambda pool, now_s: pool.withhold_instances(now_s),
    "slow starts": lambda pool, now_s: pool.slow_starts(now_s, 3.0),
    "shrink": lambda pool, now_s: pool.shrink_kv(now_s, 0.5),
    "slow steps": lambda pool, now_s: pool.slow_steps(now_s, 3.0),
    "burst": lambda pool, now_s: pool.burst_over(now_s, 100),
}


# --- what counts --------------------------------------------------------------------------------------------------


def test_a_shrunk_cache_counts_who_would_have_had_a_place() -> None:
    """Of ten requests, the two that fit are not touched."""
    pool = make_pool(kv_tokens=10_000)
    toll = pool.shrink_kv(0.0, 0.12)
    seats = [pool.admit(0.0, demand(512, 20)) for _ in range(10)]
    run(pool)
    assert (8, [20] * 10) == (toll.acts, [len(seat.due_s) for seat in seats])


def test_a_cache_that_is_too_small_by_itself_counts_nobody() -> None:
    """A queue that a whole cache would have too is nobody's doing."""
    pool = make_pool(kv_tokens=1200)
    toll = pool.shrink_kv(0.0, 1.0)
    for _ in range(10):
        pool.admit(0.0, demand(512, 200))
    run(pool)
    assert (0, True) == (toll.acts, pool.preemptions > 0)


def test_a_preempted_request_counts_once() -> None:
    """However often it loses its place."""
    pool = make_pool(kv_tokens=10_000)
    seats = [pool.admit(0.0, demand(512, 200)) for _ in range(4)]
    run(pool, 1.0)
    toll = pool.shrink_kv(1.0, 0.12)
    run(pool)
    assert (3, True) == (toll.acts, max(map(max, map(gaps, seats))) > 1.0)


def test_slow_steps_count_whoever_was_in_one() -> None:
    """A request before, one during, one after: one."""
    pool = make_pool()
    pool.admit(0.0, demand(512, 5))
    run(pool)
    toll = pool.slow_steps(10.0, 5.0)
    pool.admit(10.0, demand(512, 5))
    run(pool, 20.0)
    pool.undo(20.0, toll)
    pool.admit(20.0, demand(512, 5))
    run(pool)
    assert 1 == toll.acts


def test_a_lost_rank_counts_who_hangs() -> None:
    """One that was there and two that came; not the two of the other instance."""
    pool = make_pool(instances=2)
    for _ in range(2):
        pool.admit(0.0, demand(512, 500))
    toll = pool.lose_rank(1.0, 0)
    for _ in range(3):
        pool.admit(2.0, demand(512, 5))
    assert 3 == toll.acts


def test_a_dead_engine_counts_its_requests_and_those_it_turns_away() -> None:
    """Two die with it, one is told so; and a shut port, where nobody can count, counts as one."""
    pool = make_pool()
    for _ in range(2):
        pool.admit(0.0, demand(512, 500))
    toll = pool.kill_engine(1.0, 0)
    with pytest.raises(Refusal):
        pool.admit(2.0, demand())
    run(pool, 7.0)
    assert 4 == toll.acts
    run(pool)
    pool.admit(50.0, demand())
    pool.admit(50.0, demand())
    assert 4 == toll.acts


def test_a_missing_instance_counts_who_shares_another_for_it() -> None:
    """One that has an instance for itself all the same has lost nothing."""
    pool = make_pool(instances=2, spare_instances=0)
    toll = pool.lose_instances(0.0, 1)
    pool.admit(0.0, demand())
    assert 0 == toll.acts
    pool.admit(0.0, demand())
    assert 1 == toll.acts


def test_machines_that_nobody_could_have_had_are_not_withheld() -> None:
    """What there are no spares for is not refused by the fault; every attempt for the others counts."""
    short = make_pool(spare_instances=0, capacity_retry_s=10.0)
    toll = short.withhold_instances(0.0)
    short.scale_to(0.0, 2)
    run(short, 100.0)
    assert 0 == toll.acts
    pool = make_pool(capacity_retry_s=10.0)
    toll = pool.withhold_instances(0.0)
    pool.scale_to(0.0, 3)
    run(pool, 25.0)
    assert (6, 1) == (toll.acts, pool.current)


def test_only_long_prompts_burst() -> None:
    """Short ones are served; a long one takes the batch along, and a server that goes on goes on with its queue."""
    pool = make_pool(server="tgi")
    toll = pool.burst_over(0.0, 1000)
    beside = pool.admit(0.0, demand(512, 500))
    run(pool, 1.0)
    assert 0 == toll.acts
    long = pool.admit(1.0, demand(2000, 5))
    run(pool, 2.0)
    after = pool.admit(2.0, demand(512, 5))
    run(pool)
    assert [True, True, False] == [isinstance(seat.failure, Refusal) for seat in (beside, long, after)]
    assert (2, 5) == (toll.acts, len(after.due_s))


# --- what is taken back -------------------------------------------------------------------------------------------


def test_a_start_that_was_slowed_is_not_any_more() -> None:
    """What is left of it goes at its own pace: 30 s take 10 + 3 * 10 + 10."""
    pool = make_pool()
    pool.kill_engine(0.0, 0)
    run(pool, 15.0)
    toll = pool.slow_starts(15.0, 3.0)
    run(pool, 45.0)
    pool.undo(45.0, toll)
    run(pool, 5.0 + RESTART_S + 19.9)
    assert (1, ["starting"]) == (toll.acts, [one.state for one in pool.instances])
    run(pool, 5.0 + RESTART_S + 20.0)
    assert ["in-service"] == [one.state for one in pool.instances]


def test_after_the_watchdog_a_rank_that_is_back_serves_at_once() -> None:
    """Its process had to be restarted meanwhile."""
    pool = make_pool(watchdog_s=50.0)
    seat = pool.admit(0.0, demand())
    toll = pool.lose_rank(0.0, 0)
    run(pool, 60.0)
    assert (True, False) == (isinstance(seat.failure, Cut), pool.listening)
    pool.undo(60.0, toll)
    assert (True, False) == (pool.listening, pool.in_force(toll))


def test_an_engine_is_revived_by_its_own_undo_alone() -> None:
    """Killed by one, restarted by itself, killed by another: only the second's undo has it up."""
    pool = make_pool()
    first = pool.kill_engine(0.0, 0)
    run(pool, 5.0 + RESTART_S)
    second = pool.kill_engine(50.0, 0)
    pool.undo(51.0, first)
    assert (0, False, True) == (pool.current, pool.in_force(first), pool.in_force(second))
    pool.undo(52.0, second)
    assert 1 == pool.current


def test_returned_machines_take_no_start_from_others() -> None:
    """With two instances lost and one on its way for another reason, that one is no sooner there."""
    pool = make_pool(instances=2)
    pool.scale_to(0.0, 3)
    toll = pool.withhold_instances(1.0)
    lost = pool.lose_instances(1.0, 2)
    pool.undo(2.0, toll)
    pool.undo(3.0, lost)
    assert ["provisioning", "in-service", "in-service"] == sorted((one.state for one in pool.instances), reverse=True)


@given(
    turns=st.lists(st.sampled_from(sorted(SCREWS)), min_size=1, max_size=5),
    pause_s=st.floats(0.1, 700.0),
    data=st.data(),
)
def test_whatever_is_broken_can_be_taken_back_in_any_order(
    turns: list[str], pause_s: float, data: st.DataObject
) -> None:
    """Then the pool is as it was: whole, up, at its own pace, and serves."""
    pool = make_pool(instances=6)
    ask_steadily(pool, 5.0, 10, demand(200, 50))
    tolls = []
    for number, name in enumerate(turns):
        tolls.append(SCREWS[name](pool, 2.0 + number))
        run(pool, 2.5 + number)
    now_s = 7.0 + pause_s
    run(pool, now_s)
    for toll in data.draw(st.permutations(tolls)):
        pool.undo(now_s, toll)
        pool.undo(now_s, toll)
    assert [False] * len(tolls) == [pool.in_force(toll) for toll in tolls]
    assert (6, 6, 1.0, True) == (pool.current, pool.desired, pool.slowdown, pool.listening)
    assert pool._settings.cache_tokens == pool.kv_capacity_tokens
    seat = pool.admit(now_s, demand(512, 5))
    run(pool, now_s + 60.0)
    assert (5, None) == (len(seat.due_s), seat.failure)
