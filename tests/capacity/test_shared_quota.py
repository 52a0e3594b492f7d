"""A pool shared with the world refuses, slows and breaks as it fills, and one seed gives one history."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity import Demand, Limits, Seat
from brownout.capacity.pool import Surge
from brownout.capacity.shared_quota import SharedQuota, SharedQuotaCapacity
from brownout.clock import rng_for
from brownout.wire import Refusal
from tests.capacity.traffic import CALLS, Call, play, visit

SMALL = Demand(prompt_tokens=10, output_tokens=10)
STEADY = Limits(ttft_s=0.5, inter_token_s=0.02, jitter=0.0)


def _model(seed: int = 1, limits: Limits = STEADY, **pool: object) -> SharedQuotaCapacity:
    settings = {"kind": "shared-quota", "pool": {"tokens_per_s": 1e9, **pool}}
    return msgspec.convert(settings, SharedQuota).make(limits, rng_for(seed, "test"))


def _asked(model: SharedQuotaCapacity, demand: Demand, times: int = 2000, now_s: float = 0.0) -> list[Seat | Refusal]:
    return [visit(model, now_s, demand) for _ in range(times)]


def _refused(model: SharedQuotaCapacity, demand: Demand = SMALL, now_s: float = 0.0) -> float:
    got = _asked(model, demand, now_s=now_s)
    return sum(isinstance(one, Refusal) for one in got) / len(got)


@pytest.mark.parametrize(
    ("background", "low", "high"), [(0.3, 0.003, 0.02), (0.6, 0.003, 0.03), (0.9, 0.3, 0.45), (1.0, 0.75, 0.85)]
)
def test_refusals_grow_with_the_pool(background: float, low: float, high: float) -> None:
    """About 1 % is refused on a quiet day, and 80 % when the pool is exhausted."""
    assert low <= _refused(_model(background=background, swing=0)) <= high


def test_beyond_the_pool_nearly_all_are_refused() -> None:
    """A fifth over what the pool carries leaves next to nobody in."""
    assert 0.98 <= _refused(_model(background=1.2, swing=0))


@given(st.lists(st.floats(0, 3), min_size=2, max_size=20).map(sorted), st.floats(0, 1))
def test_a_fuller_pool_never_refuses_less(backgrounds: list[float], at_rest: float) -> None:
    """The share refused, and the queue, only grow as the pool fills, from the share at rest up to all."""
    models = [_model(background=background, swing=0, refused_at_rest=at_rest) for background in backgrounds]
    ratios = [model.pool.refused_ratio(0.0) for model in models]
    queues = [model.pool.queue(0.0) for model in models]
    assert all(one <= other for one, other in pairwise(ratios))
    assert all(one <= other for one, other in pairwise(queues))
    assert at_rest <= ratios[0]
    assert ratios[-1] <= 1.0
    assert 1.0 <= queues[0]
    assert queues[-1] <= 8.0


def test_refusals_are_vertexs_and_name_no_time() -> None:
    """429 with pay-as-you-go's sentence, and no time to come back."""
    refusals = [one for one in _asked(_model(background=1.1, swing=0), SMALL, 200) if isinstance(one, Refusal)]
    told = {(one.kind, one.message, one.retry_after_s) for one in refusals}
    assert {("throttled", "Resource exhausted, please try again later.", None)} == told


def test_far_beyond_the_pool_the_model_is_overloaded() -> None:
    """At extremes 503s mix in, and at twice the pool there is nothing else."""
    kinds = {
        background: {
            one.kind for one in _asked(_model(background=background, swing=0), SMALL) if isinstance(one, Refusal)
        }
        for background in (1.15, 1.6, 2.1)
    }
    assert {1.15: {"throttled"}, 1.6: {"throttled", "overloaded"}, 2.1: {"overloaded"}} == kinds
    ahead = _asked(_model(background=2.1, swing=0), msgspec.structs.replace(SMALL, tier="priority"))
    assert "throttled" in {one.kind for one in ahead if isinstance(one, Refusal)}
    overloaded = visit(_model(background=2.1, swing=0, refused_at_rest=1), 0.0, SMALL)
    assert isinstance(overloaded, Refusal)
    assert "The model is overloaded. Please try again later." == overloaded.message


def test_the_first_token_waits_in_the_queue_and_the_others_do_not_wait_again() -> None:
    """Near saturation the time to the first token grows many times, the time between tokens not at all."""
    times = {}
    for background in (0.3, 0.85):
        seat = next(
            one for one in _asked(_model(background=background, swing=0), SMALL) if not isinstance(one, Refusal)
        )
        first_s, second_s = seat.token_due_s(0), seat.token_due_s(1)
        assert first_s is not None
        assert second_s is not None
        assert 0.02 == pytest.approx(second_s - first_s)
        times[background] = first_s
    assert 0.5 == pytest.approx(times[0.3], rel=0.01)
    assert 1.5 < times[0.85] < 4.5


def test_ones_own_load_fills_the_pool_and_leaves_it() -> None:
    """A caller that asks for as much as the pool carries is refused by its own doing, and let in a minute later."""
    model = _model(tokens_per_s=1000, background=0, swing=0, refused_at_rest=0)
    big = Demand(prompt_tokens=500, output_tokens=500)
    got = [visit(model, 0.1 * step, big) for step in range(100)]
    assert 0.5 <= model.pool.utilisation(9.9) <= 1.1
    assert 20 <= sum(isinstance(one, Refusal) for one in got) <= 95
    assert model.pool.utilisation(70.0) < 0.01
    assert not isinstance(visit(model, 70.0, big), Refusal)


@given(st.integers(1, 2000), st.integers(0, 2000), st.floats(0, 60), st.data())
def test_what_was_never_generated_leaves_the_pool(prompt: int, output: int, stay_s: float, data: st.DataObject) -> None:
    """A caller that leaves early has loaded the pool with its prompt and what it got, as if it had asked for that."""
    got = data.draw(st.integers(0, output))
    one, other = (_model(tokens_per_s=100, background=0, swing=0, refused_at_rest=0) for _ in range(2))
    one.release(stay_s, one.admit(0.0, Demand(prompt_tokens=prompt, output_tokens=output)), got)
    other.release(stay_s, other.admit(0.0, Demand(prompt_tokens=prompt, output_tokens=got)), got)
    assert other.pool.utilisation(stay_s) == pytest.approx(one.pool.utilisation(stay_s), abs=1e-9)


@given(st.integers(0, 1000), st.floats(0, 2), st.floats(0, 0.5), st.floats(0, 1e5))
def test_the_world_stays_within_its_swing(seed: int, background: float, swing: float, now_s: float) -> None:
    """Everybody else's load lies within the swing about its mean, and is never less than nothing."""
    load = _model(seed, background=background, swing=swing).pool.utilisation(now_s)
    assert max(0.0, background - swing) - 1e-9 <= load <= background + swing + 1e-9


def test_the_world_moves_slowly_and_differs_by_seed() -> None:
    """Over a period the load wanders through most of its swing, in a second hardly; another seed, another wave."""
    waves = {}
    for seed in (1, 2):
        pool = _model(seed, background=0.6, swing=0.2, period_s=600).pool
        waves[seed] = [pool.utilisation(float(now_s)) for now_s in range(1200)]
        assert 0.25 <= max(waves[seed]) - min(waves[seed]) <= 0.4
        assert max(abs(one - other) for one, other in pairwise(waves[seed])) < 0.01
    assert waves[1] != waves[2]


def test_how_often_the_pool_is_looked_at_changes_nothing() -> None:
    """The world's load depends on the seed and the time alone."""
    often, once = _model(tokens_per_s=100).pool, _model(tokens_per_s=100).pool
    for now_s in range(100):
        often.utilisation(float(now_s))
    assert once.utilisation(100.0) == often.utilisation(100.0)


def test_surges_come_and_go() -> None:
    """A surge set in the topology lasts its time; one turned on by a fault lasts until it is restored."""
    surge = msgspec.to_builtins(Surge(at_s=10, for_s=5, load=0.6))
    model = _model(background=0.5, swing=0, surges=[surge])
    assert [0.5, 1.1, 1.1, 0.5] == pytest.approx([model.pool.utilisation(now_s) for now_s in (9.9, 10, 14.9, 15)])
    model.surge(20.0, 0.7)
    assert 0.9 <= _refused(model, now_s=20.0)
    model.restore(21.0)
    assert _refused(model, now_s=21.0) <= 0.05


def test_a_shrunk_pool_is_fuller() -> None:
    """When half of the pool is lost, the same load is twice as much of it."""
    model = _model(background=0.5, swing=0)
    model.shrink(0.0, 0.5)
    assert 1.0 == pytest.approx(model.pool.utilisation(0.0))
    model.restore(0.0)
    assert 0.5 == pytest.approx(model.pool.utilisation(0.0))


def test_priority_goes_first_and_flex_last() -> None:
    """In a tight pool each tier is refused less than the one below it, and says what served it."""
    refused, served = {}, {}
    for tier in ("priority", "", "flex"):
        demand = Demand(prompt_tokens=10, output_tokens=10, tier=tier)
        got = _asked(_model(background=0.9, swing=0), demand)
        refused[tier] = sum(isinstance(one, Refusal) for one in got)
        served[tier] = {one.tier for one in got if not isinstance(one, Refusal)}
    assert refused["priority"] < refused[""] / 4 < refused[""] < refused["flex"] / 2
    assert {"priority": {"ON_DEMAND_PRIORITY"}, "": {"ON_DEMAND"}, "flex": {"ON_DEMAND_FLEX"}} == served


def test_a_dedicated_request_needs_a_purchase() -> None:
    """Where no throughput was bought, a request that must run on it is refused."""
    got = visit(_model(background=0), 0.0, Demand(prompt_tokens=1, output_tokens=1, tier="dedicated"))
    assert isinstance(got, Refusal)
    assert "Too many requests. Exceeded the Provisioned Throughput." == got.message


def test_too_many_open_requests_are_refused() -> None:
    """The bound on open requests holds, and one that ends makes room."""
    model = _model(limits=Limits(concurrent=1), background=0, swing=0, refused_at_rest=0)
    seat = model.admit(0.0, SMALL)
    assert isinstance(visit(model, 0.0, SMALL), Refusal)
    model.release(0.0, seat, 10)
    model.admit(0.0, SMALL)


@given(CALLS, st.integers(0, 5))
def test_one_seed_gives_one_history(calls: list[Call], seed: int) -> None:
    """The same seed and traffic give the same seats, refusals and schedules."""

    def told() -> list[object]:
        visits = play(_model(seed, Limits(), tokens_per_s=2000, background=0.8), calls)
        return [one.seat.token_due_s(3) if one.seat else str(one.refusal) for one in visits]

    assert told() == told()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "missing required field `pool`"),
        ({"pool": {"tokens_per_s": 0}}, "Expected `float` > 0"),
        ({"pool": {"tokens_per_s": 1, "background": -1}}, "Expected `float` >= 0"),
        ({"pool": {"tokens_per_s": 1, "refused_at_rest": 2}}, "Expected `float` <= 1"),
        ({"pool": {"tokens_per_s": 1}, "tiers": {"reserved": {}}}, "Vertex has no such tier"),
    ],
)
def test_settings_no_pool_has_are_refused(settings: dict[str, object], sentence: str) -> None:
    """What cannot be is said when it is read."""
    with pytest.raises(msgspec.ValidationError, match=sentence):
        msgspec.convert({"kind": "shared-quota", **settings}, SharedQuota)


def test_there_is_no_quota_to_tell_of() -> None:
    """A shared pool has no limit of one's own, and nothing happens in it by itself."""
    model = _model()
    assert {} == model.standing(0.0)
    assert model.wakes_at_s() is None
    assert [] == model.advance(1.0)
    assert math.isfinite(model.pool.utilisation(0.0))
