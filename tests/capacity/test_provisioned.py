"""What was bought is served, what exceeds it goes where the provider says, and what was lost fails as its fault."""

import copy
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity import Demand, Limits, Seat
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned, ProvisionedCapacity, Spill
from brownout.capacity.shared_quota import SharedQuota
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.wire import Refusal
from tests.capacity.traffic import CALLS, Call, last_s, per_window, play, visit

EXCEEDED = "Too many requests. Exceeded the Provisioned Throughput."
EMPTY_POOL = SharedQuota(pool=Pool(tokens_per_s=1e9, background=0, swing=0, refused_at_rest=0))
GSU = 3360 * 30
"""What one unit of gemini-2.0-flash-001 carries in a window of 30 s."""


def _model(settings: Provisioned, limits: Limits | None = None, seed: int = 1) -> ProvisionedCapacity:
    return settings.make(limits or Limits(), rng_for(seed, "test"))


def _gsu(spill: Spill | None = None, **more: object) -> Provisioned:
    made = Provisioned(gsus=1, tokens_per_s=3360, estimate_output_tokens=0, spill=spill)
    return msgspec.structs.replace(made, **more)


def _ask(prompt: int = 1, *, output: int = 0, bound: int | None = None, tier: str = "") -> Demand:
    return Demand(prompt_tokens=prompt, output_tokens=output, max_tokens=bound, tier=tier)


def _refusal(model: ProvisionedCapacity, demand: Demand, now_s: float = 0.0) -> Refusal:
    got = visit(model, now_s, demand)
    assert isinstance(got, Refusal)
    return got


# --- how much was bought ------------------------------------------------------------------------------------


def test_a_scale_unit_carries_googles_example() -> None:
    """One GSU at 3 360 tokens a second is 100 800 tokens in each window of 30 s, by the provider's own clock."""
    model = _model(_gsu())
    model.admit(29.0, _ask(100_800))
    assert EXCEEDED == _refusal(model, _ask(1), 29.9).message
    model.admit(30.0, _ask(100_800))


def test_a_model_unit_bounds_prompts_and_answers_apart() -> None:
    """Bedrock's unit is so many input and so many output tokens a minute; either used up is a 429 of Bedrock."""
    settings = Provisioned(model_units=2, input_tokens_per_minute=1000, output_tokens_per_minute=200)
    for demand in (_ask(2000, bound=0), _ask(1, bound=400)):
        model = _model(msgspec.structs.replace(settings, estimate_output_tokens=400))
        assert "" == model.admit(0.0, demand).tier
        refusal = _refusal(model, _ask(2000, bound=1))
        assert ("throttled", None) == (refusal.kind, refusal.retry_after_s)
        assert "Too many tokens, please wait before trying again." == refusal.message


def test_azure_names_the_time_to_come_back() -> None:
    """Throughput units that are used up answer 429 with the time."""
    model = _model(Provisioned(ptus=10, tokens_per_minute=60, estimate_output_tokens=0))
    model.admit(0.0, _ask(600))
    refusal = _refusal(model, _ask(30))
    assert ("throttled", "tokens") == (refusal.kind, refusal.code)
    assert 3.0 == pytest.approx(refusal.retry_after_s)


# --- the estimate, and what becomes of it -------------------------------------------------------------------


@given(st.integers(1, 1000), st.integers(0, 2000), st.one_of(st.none(), st.integers(0, 500)), st.integers(0, 500))
def test_the_estimate_is_reconciled_with_the_answer(prompt: int, got: int, bound: int | None, estimate: int) -> None:
    """At the start the estimate is held, or the caller's bound if that is less; in the end the truth is charged."""
    settings = _gsu(estimate_output_tokens=estimate, burndown=4.0)
    model = _model(settings)
    seat = model.admit(0.0, _ask(prompt, output=got, bound=bound))
    held = estimate if bound is None else min(bound, estimate)
    assert GSU - prompt - held == model.standing(0.0)["tokens"].remaining
    model.release(0.0, seat, got)
    assert GSU - prompt - 4 * got == model.standing(0.0)["tokens"].remaining


@given(CALLS)
def test_what_is_estimated_right_never_exceeds_the_purchase(calls: list[Call]) -> None:
    """In no window more is charged than was bought, if no answer is longer than its estimate."""
    model = _model(Provisioned(gsus=1, tokens_per_s=300, estimate_output_tokens=4000))
    windows = per_window(play(model, calls), 30.0, lambda call: call.prompt + min(call.bound or 4000, 4000))
    assert all(taken <= 9000 for taken in windows.values())


@given(CALLS, st.sampled_from(["fixed", "continuous"]))
def test_who_waits_as_told_gets_in(calls: list[Call], refill: str) -> None:
    """After any history, answers longer than estimated included, a caller left alone gets in when it was told to."""
    settings = {"kind": "provisioned", "gsus": 1, "tokens_per_s": 100, "refill": refill, "says_when": True}
    model = _model(msgspec.convert(settings, Provisioned))
    now_s = last_s(play(model, calls))
    for _ in range(8):
        got = visit(model, now_s, _ask(1000))
        if isinstance(got, Refusal):
            assert got.retry_after_s is not None
            now_s += got.retry_after_s
            model.admit(now_s, _ask(1000))


@given(CALLS)
def test_standing_is_true_after_any_history(calls: list[Call]) -> None:
    """As many tokens as are said to remain get in, and one more does not."""
    model = _model(_gsu(tokens_per_s=100))
    now_s = last_s(play(model, calls, finish=False))
    remaining = model.standing(now_s)["tokens"].remaining
    if remaining:
        assert not isinstance(visit(copy.deepcopy(model), now_s, _ask(remaining)), Refusal)
    assert isinstance(visit(copy.deepcopy(model), now_s, _ask(remaining + 1)), Refusal)


# --- beyond the purchase ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "within", "beyond"),
    [
        ("", "PROVISIONED_THROUGHPUT", "ON_DEMAND"),
        ("dedicated", "PROVISIONED_THROUGHPUT", EXCEEDED),
        ("shared", "ON_DEMAND", "ON_DEMAND"),
        ("priority", "PROVISIONED_THROUGHPUT", "ON_DEMAND_PRIORITY"),
        ("flex", "PROVISIONED_THROUGHPUT", "ON_DEMAND_FLEX"),
        ("shared, priority", "ON_DEMAND_PRIORITY", "ON_DEMAND_PRIORITY"),
    ],
)
@pytest.mark.parametrize(
    "spill",
    [
        EMPTY_POOL,
        OnDemand(provider="vertex", tokens_per_minute=10**6, tiers=EMPTY_POOL.tiers),
    ],
    ids=["shared-quota", "on-demand"],
)
def test_vertex_serves_each_request_type_as_documented(asked: str, within: str, beyond: str, spill: Spill) -> None:
    """Nothing asked spills, dedicated is refused, shared bypasses, priority spills to Priority PayGo."""
    model = _model(_gsu(spill))
    seat = model.admit(0.0, _ask(1, tier=asked))
    assert within == seat.tier
    model.release(0.0, seat, 0)
    model.admit(0.0, _ask(model.standing(0.0)["tokens"].remaining))
    got = visit(model, 0.0, _ask(1, tier=asked))
    assert beyond == (got.message if isinstance(got, Refusal) else got.tier)


def test_what_bypasses_the_purchase_uses_none_of_it() -> None:
    """A shared request leaves the purchase alone, and a spilled one too, until it is over."""
    model = _model(_gsu(EMPTY_POOL))
    model.admit(0.0, _ask(5000, tier="shared"))
    assert GSU == model.standing(0.0)["tokens"].remaining
    model.admit(0.0, _ask(GSU - 10))
    spilled = model.admit(0.0, _ask(5000))
    assert 10 == model.standing(0.0)["tokens"].remaining
    assert 3 == model.in_flight
    model.release(1.0, spilled, 0)
    assert 2 == model.in_flight
    assert 10 == model.standing(1.0)["tokens"].remaining


def test_spilling_stops_when_the_purchase_has_room_again() -> None:
    """The purchase is used first: in the next window requests run on it again."""
    model = _model(_gsu(EMPTY_POOL))
    tiers = [model.admit(now_s, _ask(60_000)).tier for now_s in (0.0, 1.0, 29.0, 30.0, 31.0)]
    bought, shared = "PROVISIONED_THROUGHPUT", "ON_DEMAND"
    assert [bought, shared, shared, bought, shared] == tiers


def test_what_does_not_fit_the_spill_is_refused_in_its_words() -> None:
    """A spilled request that finds the pool exhausted gets pay-as-you-go's sentence, and so does a bypassing one."""
    exhausted = SharedQuota(pool=Pool(tokens_per_s=1, background=1.15, swing=0, refused_at_rest=1))
    model = _model(_gsu(exhausted))
    model.admit(0.0, _ask(GSU))
    for asked in ("", "shared", "priority"):
        assert "Resource exhausted, please try again later." == _refusal(model, _ask(tier=asked)).message


def test_without_a_spill_all_beyond_is_refused() -> None:
    """An endpoint of which only the purchase is emulated refuses what would spill."""
    model = _model(_gsu())
    assert "Resource exhausted, please try again later." == _refusal(model, _ask(tier="shared")).message
    model.admit(0.0, _ask(GSU))
    assert EXCEEDED == _refusal(model, _ask()).message


def test_headers_of_vertex_mean_nothing_elsewhere() -> None:
    """Bedrock's and Azure's units know no request types."""
    for units in ("model_units", "ptus"):
        settings = {"kind": "provisioned", units: 1, "tokens_per_minute": 1000}
        assert "" == _model(msgspec.convert(settings, Provisioned)).admit(0.0, _ask(tier="shared")).tier


# --- capacity that was lost ---------------------------------------------------------------------------------


def test_below_the_purchase_lost_capacity_is_a_5xx() -> None:
    """With half of it gone, the second half fails as the provider's fault, and beyond it requests are throttled."""
    model = _model(_gsu())
    model.lose_share(0.0, 0.5)
    model.admit(0.0, _ask(GSU // 2))
    lost = _refusal(model, _ask(1000))
    assert ("unavailable", None) == (lost.kind, lost.retry_after_s)
    assert "throttled" == _refusal(model, _ask(GSU // 2 + 1)).kind
    model.restore(0.0)
    model.admit(0.0, _ask(GSU // 2))


def test_what_failed_uses_nothing_of_the_purchase() -> None:
    """A request that failed for want of capacity is not charged."""
    model = _model(_gsu())
    model.lose_share(0.0, 1.0)
    for _ in range(3):
        assert "unavailable" == _refusal(model, _ask(40_000)).kind
    assert GSU == model.standing(0.0)["tokens"].remaining
    model.restore(0.0)
    model.admit(0.0, _ask(GSU))


def test_lost_capacity_is_a_rate() -> None:
    """What is left fills at its own pace: half the capacity carries half the tokens, minute after minute."""
    settings = Provisioned(model_units=1, tokens_per_minute=6000, estimate_output_tokens=0)
    carried = {}
    for ratio in (0.0, 0.5):
        model = _model(settings)
        model.lose_share(0.0, ratio)
        got = (visit(model, float(now_s), _ask(100)) for now_s in range(600))
        carried[ratio] = sum(not isinstance(one, Refusal) for one in got)
    assert {0.0: 600, 0.5: 299 + 30} == carried  # half the rate, and half a minute's burst


def test_what_is_left_gets_back_what_was_not_generated() -> None:
    """The capacity that remains is reconciled as the purchase is: a short answer makes room for the next request."""
    model = _model(Provisioned(model_units=1, tokens_per_minute=2000, estimate_output_tokens=500))
    model.lose_share(0.0, 0.5)
    seat = model.admit(0.0, _ask(500, output=500))
    assert "unavailable" == _refusal(model, _ask(500)).kind
    model.release(0.0, seat, 0)
    assert "unavailable" == _refusal(model, _ask(501, bound=0)).kind
    model.admit(0.0, _ask(500, bound=0))


def test_vertex_does_not_spill_what_failed_and_azure_does() -> None:
    """Vertex returns the 5xx; Azure's spillover takes over from any error of the units."""
    model = _model(_gsu(EMPTY_POOL))
    model.lose_share(0.0, 1.0)
    assert "unavailable" == _refusal(model, _ask()).kind
    spill = OnDemand(provider="openai", tokens_per_minute=1000)
    azure = _model(Provisioned(ptus=1, tokens_per_minute=1000, spill=spill))
    azure.lose_share(0.0, 1.0)
    azure.admit(0.0, _ask(600, bound=0))
    assert azure.spill is not None
    assert 400 == azure.spill.standing(0.0)["tokens"].remaining


def test_seats_taken_before_a_loss_settle_after_it() -> None:
    """A fault that comes and goes while a request is open leaves its books right."""
    model = _model(_gsu(estimate_output_tokens=500))
    before = model.admit(0.0, _ask(100, output=300))
    model.lose_share(0.0, 0.5)
    during = model.admit(0.0, _ask(100, output=300))
    model.restore(0.0)
    for seat in (before, during):
        model.release(0.0, seat, 300)
    assert GSU - 800 == model.standing(0.0)["tokens"].remaining


def test_a_shrunk_purchase_throttles() -> None:
    """A purchase that is enforced in part refuses the rest as beyond it, and is whole again when restored."""
    model = _model(_gsu())
    model.shrink(0.0, 0.5)
    assert GSU // 2 == model.standing(0.0)["tokens"].remaining
    assert EXCEEDED == _refusal(model, _ask(GSU // 2 + 1)).message
    model.restore(0.0)
    model.admit(0.0, _ask(GSU))


# --- the rest -----------------------------------------------------------------------------------------------


def test_spilled_requests_count_in_the_bound_on_open_ones() -> None:
    """The bound is the endpoint's, whatever serves the request."""
    model = _model(_gsu(EMPTY_POOL), Limits(concurrent=2))
    model.admit(0.0, _ask(GSU))
    spilled: Seat = model.admit(0.0, _ask())
    assert "throttled" == _refusal(model, _ask()).kind
    model.release(0.0, spilled, 0)
    model.admit(0.0, _ask())


@given(CALLS, st.integers(0, 5))
def test_one_seed_gives_one_history(calls: list[Call], seed: int) -> None:
    """The same seed and traffic give the same seats, tiers, refusals and schedules."""
    spill = SharedQuota(pool=Pool(tokens_per_s=2000, background=0.8))

    def told() -> list[object]:
        visits = play(_model(_gsu(spill, tokens_per_s=100), seed=seed), calls)
        return [(one.seat.tier, one.seat.token_due_s(3)) if one.seat else str(one.refusal) for one in visits]

    assert told() == told()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "set exactly one of model_units, gsus, ptus"),
        ({"gsus": 1, "ptus": 1, "tokens_per_s": 1}, "set exactly one of model_units, gsus, ptus"),
        ({"gsus": 1}, "set one rate"),
        ({"gsus": 1, "tokens_per_s": 1, "tokens_per_minute": 1}, "set one rate"),
        ({"model_units": 1, "input_tokens_per_minute": 1}, "set one rate"),
        ({"gsus": 0, "tokens_per_s": 1}, "Expected `float` > 0"),
        ({"model_units": 1, "tokens_per_minute": 1, "spill": {"kind": "on-demand", "tokens_per_minute": 1}}, "router"),
        ({"gsus": 1, "tokens_per_s": 1, "spill": {"kind": "on-demand", "tokens_per_minute": 1}}, "provider vertex"),
        ({"ptus": 1, "tokens_per_s": 1, "spill": {"kind": "shared-quota", "pool": {"tokens_per_s": 1}}}, "openai"),
    ],
)
def test_settings_nobody_sells_are_refused(settings: dict[str, object], sentence: str) -> None:
    """What cannot be is said when it is read."""
    with pytest.raises(msgspec.ValidationError, match=sentence):
        msgspec.convert({"kind": "provisioned", **settings}, Provisioned)


def test_a_rate_beside_a_purchase_is_refused() -> None:
    """``limits.rate_rps`` would be passed over; it is an error instead."""
    with pytest.raises(BadInput, match="rate_rps has no meaning behind 'provisioned'"):
        _model(_gsu(), Limits(rate_rps=5))


def test_every_seller_offers_every_rate() -> None:
    """A unit's rate may be said by the second, by the minute, or for prompts and answers apart."""
    apart: dict[str, float] = {"input_tokens_per_minute": 60, "output_tokens_per_minute": 60}
    rates: list[dict[str, float]] = [{"tokens_per_s": 1}, {"tokens_per_minute": 60}, apart]
    for units, rate in itertools.product(("model_units", "gsus", "ptus"), rates):
        settings = {"kind": "provisioned", units: 2, "window_s": 60, **rate}
        standing = _model(msgspec.convert(settings, Provisioned)).standing(0.0)
        assert {120} == {meter.limit for meter in standing.values()}
