"""A pool of GPUs gives every request its tokens, no faster than measured, whatever the load."""

import itertools
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.capacity import Limits
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.gpu_rates import MEASURED, Gpu, Rates, TensorParallel
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.wire import Refusal
from tests.capacity.gpu_load import Visit, ask_steadily, check_caches, demand, gaps, make_pool, play, run

VISITS = st.lists(
    st.builds(
        Visit,
        st.floats(0, 0.3),
        st.integers(1, 60),
        st.integers(1, 60),
        st.none() | st.floats(0, 5),
    ),
    min_size=1,
    max_size=25,
)
SMALL_POOLS = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from(["h100-80gb", "a100-80gb"]),
        "server": st.sampled_from(["vllm", "tgi", "triton"]),
        "instances": st.integers(1, 3),
        "max_batch": st.integers(1, 8),
        "max_batched_tokens": st.integers(8, 100),
        "kv_tokens": st.integers(120, 240),
    }
)


# --- what holds under any load ------------------------------------------------------------------------------------


@given(SMALL_POOLS, VISITS)
def test_every_request_gets_exactly_its_tokens(small: dict[str, Any], visits: list[Visit]) -> None:
    """Who stays gets every token, in order and once, through preemption and others' leaving; caches never overflow."""
    pool = make_pool(**small)
    seats = play(pool, visits)
    for seat, visit in zip(seats, visits, strict=True):
        if visit.patience_s is None:
            assert visit.output_tokens == len(seat.due_s)
        assert seat.failure is None
        assert all(gap_s > 0 for gap_s in gaps(seat))
        assert [seat.token_due_s(index) for index in range(len(seat.due_s) + 1)] == [*seat.due_s, None]
    assert (0, 0, 0) == (pool.running, pool.waiting, pool.kv_used_tokens)


def test_a_cache_that_overflows_all_the_time_loses_nothing() -> None:
    """200 requests of any lengths through a cache that holds a few, a third of them abandoned: all whole."""
    rng = rng_for(3, "visits")
    visits = [
        Visit(rng.uniform(0, 0.2), rng.randint(1, 60), rng.randint(1, 60), rng.choice((None, None, rng.uniform(0, 9))))
        for _ in range(200)
    ]
    pool = make_pool(kv_tokens=200, max_batched_tokens=40, max_batch=8)
    for seat, visit in zip(play(pool, visits), visits, strict=True):
        assert visit.patience_s is not None or visit.output_tokens == len(seat.due_s)
        assert all(gap_s > 0 for gap_s in gaps(seat))
    assert 50 < pool.preemptions


@given(SMALL_POOLS, VISITS, st.lists(st.floats(0.001, 1), max_size=60))
def test_one_load_gives_one_history(small: dict[str, Any], visits: list[Visit], looks: list[float]) -> None:
    """The same load gives the same instants, in however many steps a pool is advanced."""
    seldom = play(make_pool(**small), visits)
    often = play(make_pool(**small), visits, looks)
    assert [seat.due_s for seat in seldom] == [seat.due_s for seat in often]


@given(SMALL_POOLS, VISITS, st.floats(0.3, 1), st.floats(0.1, 4))
def test_screws_lose_no_token(small: dict[str, Any], visits: list[Visit], ratio: float, factor: float) -> None:
    """Caches that shrink and steps that slow down under load, and are restored, cost time and no token."""
    pool = make_pool(**small)
    seats = [pool.admit(number / 10, demand(*visit[1:3])) for number, visit in enumerate(visits)]
    now_s = len(visits) / 10
    shrunk = pool.shrink_kv(now_s, ratio)
    check_caches(pool)
    slowed = pool.slow_steps(now_s, factor)
    run(pool, now_s + 2)
    check_caches(pool)
    pool.undo(now_s + 2, shrunk)
    pool.undo(now_s + 2, slowed)
    run(pool)
    assert [visit.output_tokens for visit in visits] == [len(seat.due_s) for seat in seats]
    assert 1 == pool.slowdown


@settings(max_examples=30)
@given(st.sampled_from(list(MEASURED)), st.lists(st.floats(0, 0.2), min_size=1, max_size=40), st.integers(1, 64))
def test_no_step_is_faster_than_measured(
    machine: tuple[Gpu, TensorParallel], waits: list[float], max_batch: int
) -> None:
    """Between two instants at which tokens come lies at least the measured step of as many sequences."""
    gpu, tensor_parallel = machine
    pool = make_pool(gpu=gpu, tensor_parallel=tensor_parallel, max_batch=max_batch, kv_tokens=100_000)
    seats = play(pool, [Visit(wait_s, 100, 30, None) for wait_s in waits])
    decoded: dict[float, int] = dict.fromkeys(sorted({due_s for seat in seats for due_s in seat.due_s}), 0)
    for due_s in itertools.chain.from_iterable(seat.due_s[1:] for seat in seats):
        decoded[due_s] += 1
    rates = Rates(gpu, tensor_parallel)
    for sooner_s, later_s in itertools.pairwise(decoded):
        assert decoded[later_s] <= max_batch
        assert later_s - sooner_s >= rates.decode_s(max(decoded[later_s], 1)) - 1e-9


# --- speed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gpu", "tensor_parallel"), list(MEASURED))
def test_a_lone_request_is_served_as_measured(gpu: Gpu, tensor_parallel: TensorParallel) -> None:
    """Alone, prompts of every measured length have the measured time to the first token, and between tokens."""
    rows = MEASURED[gpu, tensor_parallel]
    for prompt_tokens, prefill_ms in rows.prompt_ms.items():
        pool = make_pool(gpu=gpu, tensor_parallel=tensor_parallel)
        seat = pool.admit(5.0, demand(prompt_tokens, 20))
        run(pool)
        assert (seat.due_s[0] - 5.0) * 1000 == pytest.approx(prefill_ms)
        assert [gap_s * 1000 for gap_s in gaps(seat)] == pytest.approx([rows.decode_ms[1]] * 19)


def test_a_full_batch_decodes_as_measured() -> None:
    """64 streams at once flow at the measured pace of 64."""
    pool = make_pool()
    seats = [pool.admit(0.0, demand(64, 200)) for _ in range(64)]
    run(pool)
    assert 50.16 == pytest.approx(1000 * gaps(seats[0])[100])
    assert {seat.due_s[150] for seat in seats} == {seats[1].due_s[150], seats[0].due_s[150]}


def test_throughput_stays_below_the_measured_rate() -> None:
    """However much is asked for, tokens come no faster than a full batch was measured to make them."""
    pool = make_pool(max_batch=64)
    seats = [pool.admit(0.0, demand(512, 128)) for _ in range(400)]
    run(pool)
    measured = 64 / 0.05016
    assert 0.5 * measured < 400 * 128 / max(seat.due_s[-1] for seat in seats) < measured


def test_speedup_divides_every_time() -> None:
    """A pool sped up ten times is ten times as fast."""
    slow, fast = make_pool(), make_pool(speedup=10)
    seats = [pool.admit(0.0, demand()) for pool in (slow, fast)]
    run(slow)
    run(fast)
    assert [due_s / 10 for due_s in seats[0].due_s] == pytest.approx(seats[1].due_s)


def test_a_long_prompt_slows_the_streams_beside_it_and_stops_none() -> None:
    """A prompt is prefilled in chunks between which streams go on, more slowly: decodes come first."""
    pool = make_pool(max_batched_tokens=1024)
    stream = pool.admit(0.0, demand(128, 300))
    run(pool, 2.0)
    late = pool.admit(2.0, demand(8192, 5))
    run(pool)
    beside = [gap_s for gap_s, due_s in zip(gaps(stream), stream.due_s[1:], strict=True) if 2.1 < due_s < late.due_s[0]]
    assert 8 <= len(beside)
    assert all(0.03 < gap_s < 0.3 for gap_s in beside)
    assert 1.1 * 0.845 <= late.due_s[0] - 2.0 < 1.5


# --- too much load ------------------------------------------------------------------------------------------------


def test_vllm_answers_overload_with_waiting_alone() -> None:
    """Above its capacity a vLLM pool refuses nobody: the time to the first token grows, and all is answered."""
    pool = make_pool(max_batch=64)
    sent = ask_steadily(pool, 40.0, 400, demand(512, 64))
    assert 250 < pool.waiting
    run(pool)
    ttfts_s = [seat.due_s[0] - at_s for at_s, seat in sent]
    assert ttfts_s[0] < 0.1
    assert 10 * ttfts_s[20] < ttfts_s[200] < ttfts_s[399]
    assert all(seat.failure is None and len(seat.due_s) == 64 for _, seat in sent)


@pytest.mark.parametrize(
    ("server", "queue_limit", "let_in", "seen"),
    [
        ("tgi", None, 128, ("throttled", "Model is overloaded", "overloaded")),
        ("tgi", 10, 10, ("throttled", "Model is overloaded", "overloaded")),
        ("triton", 10, 11, ("overloaded", "Exceeds maximum queue size", "")),
    ],
)
def test_tgi_and_triton_refuse_when_full(
    server: str, queue_limit: int | None, let_in: int, seen: tuple[str, str, str]
) -> None:
    """TGI bounds what is in flight, Triton what waits, each in its words; there is room again when one ends."""
    pool = make_pool(server=server, queue_limit=queue_limit)
    seats = [pool.admit(0.0, demand()) for _ in range(let_in)]
    with pytest.raises(Refusal) as refused:
        pool.admit(0.0, demand())
    assert seen == (refused.value.kind, refused.value.message, refused.value.code)
    pool.release(0.0, seats[-1], 0)
    pool.admit(0.0, demand())


def test_a_preempted_stream_stalls_and_goes_on() -> None:
    """When the cache overflows, the newest stream stands still until the older one has ended; nothing is lost."""
    pool = make_pool(kv_tokens=1000)
    older, newer = pool.admit(0.0, demand(400, 300)), pool.admit(0.0, demand(400, 300))
    run(pool)
    assert 1 == pool.preemptions
    stall_s = max(gaps(newer))
    before = gaps(newer).index(stall_s)
    assert 0 < before < 299
    assert max(gaps(older)) < 0.2
    assert 1 < stall_s
    # Its cache is computed again: prompt and answer so far in one prefill, begun when the older one's last step ended.
    again_s = newer.due_s[before + 1] - older.due_s[-1]
    assert Rates("h100-80gb", 8).prefill_s(400 + before + 1) == pytest.approx(again_s)
    assert (300, 300) == (len(older.due_s), len(newer.due_s))


def test_who_was_preempted_comes_before_who_waits() -> None:
    """A preempted request has its place back before any that has had none yet."""
    pool = make_pool(kv_tokens=1000)
    older, newer, late = (pool.admit(0.0, demand(prompt_tokens, 150)) for prompt_tokens in (400, 400, 600))
    run(pool)
    assert 1 == pool.preemptions
    assert older.due_s[-1] < newer.due_s[-1] < late.due_s[0]


def test_who_leaves_in_the_middle_of_a_prefill_takes_it_away() -> None:
    """Nothing more is computed for a caller who has gone: the streams beside it are at full pace after that step."""
    pool = make_pool(max_batched_tokens=512)
    stream = pool.admit(0.0, demand(128, 100))
    run(pool, 1.0)
    gone = pool.admit(1.0, demand(100_000, 10))
    run(pool, 1.5)
    pool.release(1.5, gone, 0)
    run(pool)
    after = [gap_s for gap_s, due_s in zip(gaps(stream), stream.due_s, strict=False) if due_s > 1.5]
    assert [0.02976] * len(after) == pytest.approx(after)
    assert 0.05 < max(gaps(stream))


def test_tgi_never_preempts() -> None:
    """A server that reserves the whole answer lets the next one wait, rather than stall it."""
    pool = make_pool(kv_tokens=1000, server="tgi")
    older, newer = pool.admit(0.0, demand(400, 300)), pool.admit(0.0, demand(400, 300))
    run(pool)
    assert 0 == pool.preemptions
    assert older.due_s[-1] < newer.due_s[0]


def test_who_leaves_makes_room_at_once() -> None:
    """A caller who leaves, out of the batch or the queue, frees place and cache at that instant."""
    pool = make_pool(max_batch=1)
    first, second, third = (pool.admit(0.0, demand(512, 1000)) for _ in range(3))
    run(pool, 1.0)
    assert (1, 2) == (pool.running, pool.waiting)
    pool.release(1.0, second, 0)
    assert (1, 1) == (pool.running, pool.waiting)
    pool.release(1.0, first, len(first.due_s))
    assert 0 == pool.kv_used_tokens
    run(pool, 1.2)
    assert 0 < len(third.due_s)
    assert not second.due_s


def test_who_leaves_the_head_of_a_queue_that_stands_still_sets_it_going() -> None:
    """A request that a shrunken cache cannot take holds up those behind it only until its caller leaves."""
    pool = make_pool(kv_tokens=1000)
    pool.shrink_kv(0.0, 0.5)
    huge, small = pool.admit(0.0, demand(800, 10)), pool.admit(0.0, demand(100, 10))
    assert pool.wakes_at_s() is None
    pool.release(3.0, huge, 0)
    run(pool)
    assert 10 == len(small.due_s)


def test_requests_go_to_the_instance_with_the_fewest() -> None:
    """Instances share the load evenly."""
    pool = make_pool(instances=4)
    for _ in range(41):
        pool.admit(0.0, demand())
    assert [11, 10, 10, 10] == [one.running + one.waiting for one in pool.instances]


def test_a_request_longer_than_the_cache_is_refused() -> None:
    """What could never be held is refused as vLLM does, whether by its answer or by the bound its caller set."""
    pool = make_pool(kv_tokens=1000)
    for asked in (demand(900, 101), demand(900, 10, 101)):
        with pytest.raises(Refusal, match="maximum context length is 1000 tokens") as refused:
            pool.admit(0.0, asked)
        assert "invalid" == refused.value.kind
    pool.admit(0.0, demand(900, 100))


# --- the contract ---------------------------------------------------------------------------------------------------


def test_news_names_each_seat_with_a_token_once() -> None:
    """Advancing tells who got a token since the last time, and says when it is worth asking again."""
    pool = make_pool()
    assert pool.wakes_at_s() is None
    seat = pool.admit(0.0, demand(512, 2))
    first_s = pool.wakes_at_s()
    assert first_s is not None
    assert [] == pool.advance(first_s / 2)
    assert [seat] == pool.advance(first_s)
    assert [] == pool.advance(first_s)
    other = pool.admit(1.0, demand())  # catches up with what was due: the news stays to be told
    assert first_s < (pool.wakes_at_s() or math.inf) < 1.0
    assert [seat] == pool.advance(1.0)
    assert [other] == pool.advance(1.1)
    assert {} == pool.standing(1.1)


def test_a_released_seat_is_no_news() -> None:
    """Nobody is told of a caller who has gone."""
    pool = make_pool()
    seats = [pool.admit(0.0, demand()) for _ in range(2)]
    pool.release(1.0, seats[0], 3)
    assert [seats[1]] == pool.advance(1.0)


def test_cache_sizes_follow_the_memory() -> None:
    """90 % of the memory less 141 GB of weights, at 320 KiB a token; a number set goes before."""
    assert 1_327_514 == GpuPoolSettings().cache_tokens
    assert 9_155 == GpuPoolSettings(tensor_parallel=2).cache_tokens
    assert 77 == GpuPoolSettings(kv_tokens=77).cache_tokens


def test_a_topology_says_it_in_words() -> None:
    """Settings are read from a topology's words."""
    words = {"kind": "gpu-pool", "gpu": "a100-80gb", "tensor_parallel": 2, "instances": 3, "startup_scale": 0.01}
    expected = GpuPoolSettings(gpu="a100-80gb", tensor_parallel=2, instances=3, startup_scale=0.01)
    assert expected == msgspec.convert(words, GpuPoolSettings)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"speedup": 0}, "speedup must be above 0"),
        ({"speedup": math.nan}, "speedup must be above 0"),
        ({"max_batch": 0}, "max_batch must be at least 1"),
        ({"kv_tokens": 1}, "kv_tokens must be at least 2"),
        ({"max_batched_tokens": 100}, r"max_batched_tokens \(100\) must not be below max_batch \(256\)"),
        ({"queue_limit": 5}, "vLLM's queue has no bound"),
        ({"queue_limit": 0, "server": "tgi"}, "queue_limit must be at least 1"),
        ({"watchdog_s": -1}, "watchdog_s must be above 0"),
        ({"instances": -1}, "instances must be at least 0"),
        ({"max_instances": 1, "instances": 2}, r"max_instances \(1\) must not be below instances \(2\)"),
        ({"weights_s": -0.1}, "weights_s must be at least 0"),
        ({"startup_jitter": 1}, "startup_jitter must be from 0 to below 1"),
        ({"gpu": "h200"}, "h200"),
        ({"tensor_parallel": 4}, "tensor_parallel"),
        ({"quota": 4}, "quota"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], said: str) -> None:
    """A number out of bounds, a word not allowed and an unknown field are each refused by name."""
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert({"kind": "gpu-pool"} | wrong, GpuPoolSettings)


def test_limits_that_bound_requests_are_refused() -> None:
    """An endpoint's bound on requests, which a pool would pass over, is bad input."""
    with pytest.raises(BadInput, match="gpu-pool"):
        GpuPoolSettings().make(Limits(rate_rps=5), rng_for(1, "pool"))
