"""What breaks a pool of GPUs looks as it does in the field: hangs, dead engines, lost nodes, no capacity."""

import math

import pytest

from brownout.capacity.gpu_engine import GpuSeat
from brownout.capacity.gpu_pool import GpuPool
from brownout.wire import Cut, Refusal
from tests.capacity.gpu_load import RESTART_S, demand, gaps, make_pool, run


def _states(pool: GpuPool) -> list[str]:
    return [one.state for one in pool.instances]


def _flowing(pool: GpuPool, count: int = 2, until_s: float = 1.0) -> list[GpuSeat]:
    """Return seats of long streams that flow since a while."""
    seats = [pool.admit(0.0, demand(512, 5000)) for _ in range(count)]
    run(pool, until_s)
    assert all(seat.due_s for seat in seats)
    return seats


def _said(failure: Exception | None) -> tuple[str, str, str, int | None]:
    assert isinstance(failure, Refusal)
    return failure.kind, failure.message, failure.code, failure.original_status


# --- a lost rank --------------------------------------------------------------------------------------------------


def test_a_lost_rank_hangs_until_the_watchdog_cuts() -> None:
    """No token comes for 600 s though all looks well; then connections are cut, and the process restarts."""
    pool = make_pool()
    seats = _flowing(pool)
    pool.lose_rank(1.0, 0)
    late = pool.admit(2.0, demand())
    had = [len(seat.due_s) for seat in seats]
    run(pool, 600.9)
    assert had == [len(seat.due_s) for seat in seats]
    assert (None, ["in-service"], True) == (late.failure, _states(pool), pool.listening)
    assert {*seats, late} == set(pool.advance(601.0))
    assert all(isinstance(seat.failure, Cut) for seat in (*seats, late))
    assert len({id(seat.failure) for seat in (*seats, late)}) == 3
    assert (["loading"], False) == (_states(pool), pool.listening)
    run(pool, 601.0 + RESTART_S)
    assert ["in-service"] == _states(pool)
    again = pool.admit(700.0, demand())
    run(pool)
    assert 128 == len(again.due_s)


def test_a_hung_instance_goes_on_taking_requests() -> None:
    """The health check passes, so that with two instances every other request hangs."""
    pool = make_pool(instances=2)
    pool.lose_rank(0.0, 1)
    seats = [pool.admit(0.0, demand(512, 10)) for _ in range(10)]
    run(pool, 100.0)
    assert [10, 0] * 5 == [len(seat.due_s) for seat in seats]


def test_the_watchdog_of_an_idle_instance_starts_with_its_first_step() -> None:
    """Without a step under way nothing is stuck, and nobody notices."""
    pool = make_pool(watchdog_s=50.0)
    pool.lose_rank(0.0, 0)
    assert pool.wakes_at_s() is None
    seat = pool.admit(1000.0, demand())
    assert 1050.0 == pool.wakes_at_s()
    assert [seat] == pool.advance(1050.0)
    assert isinstance(seat.failure, Cut)


def test_a_rank_that_comes_back_lets_streams_go_on() -> None:
    """Undone before the watchdog, a lost rank costs time alone."""
    pool = make_pool()
    seat = pool.admit(0.0, demand(512, 100))
    run(pool, 1.0)
    toll = pool.lose_rank(1.0, 0)
    run(pool, 300.0)
    pool.undo(300.0, toll)
    run(pool)
    assert (100, None) == (len(seat.due_s), seat.failure)
    assert 299 < max(gaps(seat)) < 299.2
    assert ["in-service"] == [event.what for event in pool.events]


def test_a_step_that_hung_is_done_over() -> None:
    """A prefill caught by a hang takes its whole time after it."""
    pool = make_pool()
    seat = pool.admit(0.0, demand(8192, 2))
    pool.undo(100.0, pool.lose_rank(0.5, 0))
    run(pool)
    assert 100.0 + 0.84489 == pytest.approx(seat.due_s[0])


def test_a_hung_instance_that_is_scaled_in_goes_when_the_watchdog_aborts_it() -> None:
    """It cannot end what it has; its connections are cut, and it does not come back."""
    pool = make_pool(watchdog_s=50.0)
    (seat,) = _flowing(pool, 1)
    pool.lose_rank(1.0, 0)
    pool.scale_to(2.0, 0)
    assert ["draining"] == _states(pool)
    assert [seat] == pool.advance(51.0)
    assert isinstance(seat.failure, Cut)
    assert [] == pool.instances


# --- a dead engine ------------------------------------------------------------------------------------------------


def test_a_dead_engine_takes_its_requests_and_then_its_server() -> None:
    """Requests fail at once, new ones get a 500 for 5 s, then nobody listens until the weights are loaded again."""
    pool = make_pool()
    seats = _flowing(pool)
    pool.kill_engine(1.0, 0)
    assert set(seats) == set(pool.advance(1.0))
    sentence = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    assert {("internal", sentence, "EngineDeadError", None)} == {_said(seat.failure) for seat in seats}
    assert (0, 0) == (pool.running, pool.kv_used_tokens)
    with pytest.raises(Refusal, match="EngineCore") as refused:
        pool.admit(5.9, demand())
    assert "EngineDeadError" == refused.value.code
    assert pool.listening
    run(pool, 6.0)
    assert not pool.listening
    with pytest.raises(Cut):
        pool.admit(6.0, demand())
    run(pool, 6.0 + RESTART_S)
    assert pool.listening
    pool.admit(6.0 + RESTART_S, demand())
    assert ["in-service", "dying", "loading", "starting", "in-service"] == [event.what for event in pool.events]


def test_others_serve_while_one_engine_is_dead() -> None:
    """With another instance in service nobody new sees the dead one."""
    pool = make_pool(instances=2)
    seats = _flowing(pool)
    pool.kill_engine(1.0, 0)
    assert [True, False] == [seat.failure is not None for seat in seats]
    for _ in range(5):
        pool.admit(1.0, demand())
    assert [("dying", 0, 0), ("in-service", 1, 5)] == [(one.state, one.running, one.waiting) for one in pool.instances]


def test_a_request_that_had_all_its_tokens_does_not_fail() -> None:
    """What was made before the death is delivered."""
    pool = make_pool()
    seat = pool.admit(0.0, demand(512, 3))
    pool.kill_engine(10.0, 0)
    assert (3, None) == (len(seat.due_s), seat.failure)
    assert [seat] == pool.advance(10.0)


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (
            "tgi",
            ("model-error", "Request failed during generation: Server error: CUDA out of memory.", "generation", None),
        ),
        ("triton", ("internal", "CUDA out of memory.", "", None)),
    ],
)
def test_out_of_memory_fails_the_batch_alone(server: str, said: tuple[str, str, str, int | None]) -> None:
    """TGI and Triton fail who was in the step, and go on with who waits."""
    pool = make_pool(server=server, max_batch=2)
    seats = _flowing(pool)
    waits = pool.admit(1.0, demand(512, 10))
    pool.out_of_memory(1.0, 0)
    assert [said, said] == [_said(seat.failure) for seat in seats]
    run(pool)
    assert (10, None, ["in-service"]) == (len(waits.due_s), waits.failure, _states(pool))


def test_vllm_dies_of_being_out_of_memory() -> None:
    """Its engine does not outlive it."""
    pool = make_pool()
    (seat,) = _flowing(pool, 1)
    pool.out_of_memory(1.0, 0)
    assert "EngineDeadError" == _said(seat.failure)[2]
    assert ["dying"] == _states(pool)


# --- behind SageMaker ---------------------------------------------------------------------------------------------


def test_sagemaker_wraps_what_its_container_says() -> None:
    """A container's 4xx and 5xx are ModelErrors with its status; the front door stays open without any container."""
    pool = make_pool(front="sagemaker")
    (seat,) = _flowing(pool, 1)
    pool.kill_engine(1.0, 0)
    kind, message, _, status = _said(seat.failure)
    assert ("model-error", 500, True) == (kind, status, message.startswith("EngineCore"))
    run(pool, 7.0)
    assert pool.listening
    with pytest.raises(Refusal) as refused:
        pool.admit(7.0, demand())
    assert "unavailable" == refused.value.kind


def test_sagemaker_names_a_broken_stream() -> None:
    """A container whose connection breaks is a model error with the code of a broken stream."""
    pool = make_pool(front="sagemaker", watchdog_s=10.0)
    (seat,) = _flowing(pool, 1)
    pool.lose_rank(1.0, 0)
    run(pool, 12.0)
    assert ("model-error", "StreamBroken") == _said(seat.failure)[0:3:2]


@pytest.mark.parametrize(("server", "status"), [("tgi", 429), ("triton", 503)])
def test_sagemaker_wraps_a_full_queue(server: str, status: int) -> None:
    """A full server behind SageMaker is a ModelError too, not a throttle."""
    pool = make_pool(front="sagemaker", server=server, queue_limit=1)
    for _ in range(1 if server == "tgi" else 2):  # Triton's bound is on those who wait
        pool.admit(0.0, demand())
    with pytest.raises(Refusal) as refused:
        pool.admit(0.0, demand())
    assert ("model-error", status) == (refused.value.kind, refused.value.original_status)


# --- slow steps, small caches -------------------------------------------------------------------------------------


def test_slow_steps_slow_streams_until_restored() -> None:
    """Factors multiply, and each is undone by itself."""
    pool = make_pool(speedup=2)
    seat = pool.admit(0.0, demand(512, 5000))
    run(pool, 10.0)
    tolls = []
    for at_s, slowdown in ((10.0, 3.0), (20.0, 6.0)):
        tolls.append(pool.slow_steps(at_s, 3.0 if at_s == 10.0 else 2.0))
        run(pool, at_s + 9.0)
        assert slowdown == pool.slowdown
        assert slowdown * 0.02976 / 2 == pytest.approx(gaps(seat)[-1])
    pool.undo(30.0, tolls[0])
    run(pool, 39.0)
    assert 0.02976 == pytest.approx(gaps(seat)[-1])
    pool.undo(39.0, tolls[0])
    assert 2 == pool.slowdown


def test_a_shrunken_cache_stalls_the_newest_streams() -> None:
    """The newest lose their places at once and wait; restored, every stream goes on where it was."""
    pool = make_pool(kv_tokens=3000)
    seats = [pool.admit(0.0, demand(512, 200)) for _ in range(4)]
    run(pool, 2.0)
    assert (4, 0) == (pool.running, pool.waiting)
    toll = pool.shrink_kv(2.0, 0.5)
    assert (2, 2, 1500) == (pool.running, pool.waiting, pool.kv_capacity_tokens)
    run(pool, 4.0)
    assert [True, True, False, False] == [seat.due_s[-1] > 2.2 for seat in seats]
    pool.undo(4.0, toll)
    run(pool)
    assert [200] * 4 == [len(seat.due_s) for seat in seats]


def test_a_request_that_fits_no_more_waits_for_the_cache() -> None:
    """Nobody is told anything: the stream stands still until there is room again."""
    pool = make_pool(kv_tokens=1000)
    seat = pool.admit(0.0, demand(600, 200))
    run(pool, 2.0)
    toll = pool.shrink_kv(2.0, 0.1)
    run(pool, 500.0)
    assert (None, True, None) == (seat.failure, seat.due_s[-1] < 2.0, pool.wakes_at_s())
    pool.undo(500.0, toll)
    run(pool)
    assert (200, True) == (len(seat.due_s), max(gaps(seat)) > 498)


# --- lost nodes ---------------------------------------------------------------------------------------------------


def test_lost_instances_cut_and_cannot_be_had_until_restored() -> None:
    """The newest in service go, their streams are cut; each attempt to replace them fails until machines are back."""
    pool = make_pool(instances=3, spare_instances=0, capacity_retry_s=25.0)
    seats = _flowing(pool, 3)
    toll = pool.lose_instances(1.0, 2)
    assert [None, "Cut", "Cut"] == [seat.failure and type(seat.failure).__name__ for seat in seats]
    run(pool, 100.0)
    failed = [event.at_s for event in pool.events if event.what == "InsufficientInstanceCapacity"]
    assert [1.0, 26.0, 51.0, 76.0] == failed
    assert (3, 1) == (pool.desired, pool.current)
    pool.undo(100.0, toll)
    assert (3, 3) == (pool.desired, pool.current)


def test_spares_replace_lost_instances_through_all_stages() -> None:
    """Where machines can be had, a lost instance is a cold start."""
    pool = make_pool()
    pool.lose_instances(5.0, 1)
    assert (False, ["provisioning"]) == (pool.listening, _states(pool))
    run(pool, 44.0)
    assert (False, 0) == (pool.listening, pool.current)
    run(pool, 45.0)
    assert (True, 1) == (pool.listening, pool.current)


def test_withheld_instances_leave_desired_above_current() -> None:
    """Scale-out without capacity is asked for again and again, and served once there is some."""
    pool = make_pool()
    toll = pool.withhold_instances(0.0)
    pool.scale_to(0.0, 3)
    run(pool, 500.0)
    assert (3, 1) == (pool.desired, pool.current)
    pool.undo(500.0, toll)
    run(pool, 600.0)
    assert (3, 3) == (pool.desired, pool.current)


# --- what cannot be done ------------------------------------------------------------------------------------------


def test_screws_refuse_what_makes_no_sense() -> None:
    """A screw turned on an instance that is not there, or by an amount that means nothing, is an error that says so."""
    pool = make_pool(instances=2)
    pool.kill_engine(0.0, 0)
    for screw in (pool.lose_rank, pool.kill_engine, pool.out_of_memory):
        with pytest.raises(ValueError, match="instance 0 is not in service; in service: 1"):
            screw(1.0, 0)
    for ratio in (0.0, 1.1, -1.0, math.nan):
        with pytest.raises(ValueError, match="ratio must be"):
            pool.shrink_kv(1.0, ratio)
    for factor in (0.0, -2.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="factor must be"):
            pool.slow_steps(1.0, factor)
    with pytest.raises(ValueError, match="between 1 and 2 instances can be lost"):
        pool.lose_instances(1.0, 3)
