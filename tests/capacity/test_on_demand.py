"""On-demand quotas charge, give back, refuse and speak as the providers say they do."""

import copy
import math
import re
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity import Demand, Limits, Seat
from brownout.capacity.on_demand import OnDemand, OnDemandCapacity
from brownout.capacity.pool import Pool
from brownout.capacity.tiers import FLEX, PRIORITY, Reserved, Tier, Tiers
from brownout.capacity.words import WORDS
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.wire import Meter, Refusal
from tests.capacity.traffic import BOUNDED, CALLS, Call, Visit, last_s, per_window, play, visit

TPM = 10_000
STEADY = Limits(ttft_s=0.5, inter_token_s=0.02, jitter=0.0)


def _model(settings: OnDemand, limits: Limits = STEADY, seed: int = 1) -> OnDemandCapacity:
    return settings.make(limits, rng_for(seed, "test"))


def _ask(prompt: int = 1, *, output: int = 0, bound: int | None = 0, tier: str = "") -> Demand:
    return Demand(prompt_tokens=prompt, output_tokens=output, max_tokens=bound, tier=tier)


def _fill(model: OnDemandCapacity, demand: Demand, now_s: float = 0.0) -> tuple[list[Seat], Refusal]:
    """Ask at one instant until refused."""
    seats: list[Seat] = []
    while True:
        got = visit(model, now_s, demand)
        if isinstance(got, Refusal):
            return seats, got
        seats.append(got)


# --- what is charged ----------------------------------------------------------------------------------------


def test_an_unbounded_answer_reserves_the_models_maximum() -> None:
    """AWS's example: 1 000 tokens in and no bound hold 65 000, of which 1 100 are charged in the end."""
    model = _model(OnDemand(tokens_per_minute=2_000_000))
    seat = model.admit(0.0, _ask(1000, output=100, bound=None))
    assert 2_000_000 - 65_000 == model.standing(0.0)["tokens"].remaining
    model.release(0.0, seat, 100)
    assert 2_000_000 - 1_100 == model.standing(0.0)["tokens"].remaining


@pytest.mark.parametrize(("bound", "together"), [(None, 31), (1000, 1333)])
def test_a_bound_on_the_answer_lets_more_in_at_once(bound: int | None, together: int) -> None:
    """AWS's example: of 2M tokens a minute, 500 in each, 31 get in at once without a bound and 1 333 with 1 000."""
    seats, refusal = _fill(_model(OnDemand(tokens_per_minute=2_000_000)), _ask(500, output=100, bound=bound))
    assert together == len(seats)
    assert "Too many tokens, please wait before trying again." == refusal.message


@given(st.integers(1, 5000), st.integers(0, 3000), st.floats(0, 1), st.sampled_from([1.0, 5.0]))
def test_settling_leaves_exactly_the_charge(prompt: int, bound: int, share: float, burndown: float) -> None:
    """At the end the prompt and what was generated, times the burndown, are charged, and nothing else is."""
    made = int(bound * share)
    model = _model(OnDemand(tokens_per_minute=TPM, burndown=burndown))
    seat = model.admit(0.0, _ask(prompt, output=bound, bound=bound))
    assert TPM - prompt - bound == model.standing(0.0)["tokens"].remaining
    model.release(0.0, seat, made)
    assert TPM - prompt - made * burndown == model.ledger.accounts[0].quota.room(0.0)


def test_burndown_may_charge_more_than_was_reserved() -> None:
    """Answers that count five times use up more than their bound held, and the next must wait until it ran off."""
    model = _model(OnDemand(tokens_per_minute=6000, burndown=5, says_when=True))
    seat = model.admit(0.0, _ask(1000, output=2000, bound=2000))
    model.release(0.0, seat, 2000)
    assert Meter(6000, 0, 110.0) == model.standing(0.0)["tokens"]
    refusal = visit(model, 0.0, _ask(100))
    assert isinstance(refusal, Refusal)
    assert 51.0 == pytest.approx(refusal.retry_after_s)


@pytest.mark.parametrize("quota", ["tokens_per_minute", "output_tokens_per_minute", "tokens_per_day"])
def test_burndown_counts_in_every_quota_of_answers(quota: str) -> None:
    """A token of an answer counts as often by the day, and where answers have a quota of their own."""
    model = _model(msgspec.convert({"kind": "on-demand", quota: 1000, "burndown": 5}, OnDemand))
    model.release(0.0, model.admit(0.0, _ask(1, output=10, bound=10)), 10)
    prompt = 0 if quota.startswith("output") else 1
    assert 1000 - prompt - 50 == model.ledger.accounts[0].quota.room(0.0)


def test_a_day_lets_all_of_it_go_at_once_and_is_over_after_a_day() -> None:
    """The day's quota is enforced over the day, whatever the window of the minute's."""
    model = _model(OnDemand(tokens_per_day=86_400, window_s=1.0, says_when=True))
    model.admit(0.0, _ask(86_400))
    refusal = visit(model, 0.0, _ask(60))
    assert isinstance(refusal, Refusal)
    assert 60.0 == pytest.approx(refusal.retry_after_s)


def test_the_charge_follows_the_answer_while_it_is_generated() -> None:
    """With a burndown, each token generated is charged five times, each that may come is held once."""
    model = _model(OnDemand(tokens_per_minute=600_000, burndown=5, refill="fixed", adjust_every_s=1.0))
    model.admit(0.0, _ask(1000, output=400, bound=1000))
    used = [600_000 - model.standing(now_s)["tokens"].remaining for now_s in (0.0, 0.9, 1.0, 2.0, 20.0)]
    # 0.5 s to the first token, then 50 tokens/s: 26 by 1 s, 76 by 2 s, all 400 by 8.48 s.
    assert [2000, 2000, 2000 + 26 * 4, 2000 + 76 * 4, 2000 + 400 * 4] == used


@given(CALLS, st.sampled_from([1.0, 5.0]), st.sampled_from(["max-tokens", "as-generated"]))
def test_no_reservation_is_ever_negative(calls: list[Call], burndown: float, reserve: str) -> None:
    """What an open request holds of each quota, and what is used of it, never falls below nothing."""
    settings = {"tokens_per_minute": TPM, "output_tokens_per_minute": TPM, "burndown": burndown, "reserve": reserve}
    model = _model(msgspec.convert({"kind": "on-demand", "model_max_tokens": 4000, **settings}, OnDemand))
    visits = play(model, calls, finish=False)
    now_s = last_s(visits)
    model.standing(now_s)
    assert all(taken >= 0 for one in model._open.values() for taken in one.hold.taken)
    assert all(account.quota.used(now_s) >= 0 for account in model.ledger.accounts)


# --- conservation -------------------------------------------------------------------------------------------


def _flows(visits: list[Visit]) -> list[tuple[float, int]]:
    """Return what was taken (and given back, below 0) and when, with a burndown of 1."""
    flows = []
    for one in visits:
        if one.seat is not None and one.call.bound is not None:
            flows.append((one.at_s, one.call.prompt + one.call.bound))
            if one.ended_s is not None:
                flows.append((one.ended_s, one.call.got - one.call.bound))
    return sorted(flows, key=lambda flow: flow[0])


@given(BOUNDED)
def test_no_span_of_time_carries_more_than_quota_and_burst(calls: list[Call]) -> None:
    """Between any two instants no more is taken, less what is given back, than a full bucket and what ran off."""
    flows = _flows(play(_model(OnDemand(tokens_per_minute=TPM)), calls))
    for first, (start_s, _) in enumerate(flows):
        net = 0
        for (at_s, amount), (next_s, _) in pairwise([*flows[first:], (math.inf, 0)]):
            net += amount
            if next_s > at_s:
                assert net <= TPM + TPM / 60 * (at_s - start_s) + 1e-3


@given(BOUNDED)
def test_no_fixed_window_carries_more_than_its_quota(calls: list[Call]) -> None:
    """In each window what is taken, less what was given back of the same window, is no more than the quota."""
    visits = play(_model(OnDemand(tokens_per_minute=TPM, refill="fixed")), calls)
    windows = per_window(visits, 60.0, lambda call: call.prompt + (call.bound or 0))
    assert all(taken <= TPM for taken in windows.values())


class Books:
    """The books of one quota kept by hand: all that was ever taken and given back, added up anew each time."""

    def __init__(self, settings: OnDemand) -> None:
        self.settings = settings
        self.visits: list[Visit] = []

    def used(self, now_s: float) -> float:
        """Return what is used at an instant, after all that happened at it so far."""
        flows = sorted((flow for one in self.visits for flow in self._of(one, now_s)), key=lambda flow: flow[:2])
        rate, used, at_s = TPM / 60, 0.0, 0.0
        for flow_s, _, amount in flows:
            used = max(0.0, max(0.0, used - rate * (flow_s - at_s)) + amount)
            at_s = flow_s
        return max(0.0, used - rate * (now_s - at_s))

    def _of(self, one: Visit, now_s: float) -> list[tuple[float, int, float]]:
        call, burndown = one.call, self.settings.burndown
        bound = 3000 if call.bound is None else call.bound
        taken = float(call.prompt + bound)
        flows = [(one.at_s, 1, taken)]
        due_s = one.at_s + 1.0
        while due_s <= now_s and (one.ended_s is None or due_s <= one.ended_s):
            made = sum(one.at_s + 0.5 + 0.02 * index <= due_s for index in range(call.output))
            charge = call.prompt + made * burndown + max(bound - made, 0)
            flows.append((due_s, 0, charge - taken))
            taken, due_s = charge, due_s + 1.0
        if one.ended_s is not None:
            flows.append((one.ended_s, 1, call.prompt + call.got * burndown - taken))
        return flows


@given(CALLS, st.sampled_from([1.0, 5.0]))
def test_every_admission_agrees_with_books_kept_by_hand(calls: list[Call], burndown: float) -> None:
    """A request gets in exactly when the prompt and the bound on its answer fit beside all that is charged."""
    settings = OnDemand(tokens_per_minute=TPM, burndown=burndown, model_max_tokens=3000)
    visits = play(_model(settings), calls[:12])
    books = Books(settings)
    for number, one in enumerate(visits):
        before = [old for old in visits[:number] if old.seat is not None]
        books.visits = [copy.copy(old) for old in before]
        for old in books.visits:
            if old.ended_s is not None and old.ended_s > one.at_s:
                old.ended_s = None
        bound = 3000 if one.call.bound is None else one.call.bound
        margin = TPM - books.used(one.at_s) - one.call.prompt - bound
        if abs(margin) > 1e-3:
            assert (margin > 0) == (one.seat is not None)


# --- when to come back --------------------------------------------------------------------------------------


@given(CALLS, st.sampled_from(["openai", "anthropic"]), st.sampled_from(["continuous", "fixed"]), st.integers(1, 4000))
def test_who_waits_as_told_gets_in(calls: list[Call], provider: str, refill: str, bound: int) -> None:
    """After any history, a caller left alone that comes back when it was told to is let in."""
    limits = {"requests_per_minute": 10, "tokens_per_minute": TPM, "output_tokens_per_minute": TPM // 2}
    settings = {"kind": "on-demand", "provider": provider, "refill": refill, "burndown": 5, **limits}
    model = _model(msgspec.convert(settings, OnDemand))
    now_s = last_s(play(model, calls))
    demand = _ask(100, bound=bound)
    for _ in range(12):
        refusal = visit(model, now_s, demand)
        if isinstance(refusal, Refusal):
            assert refusal.retry_after_s is not None
            now_s += refusal.retry_after_s
            model.admit(now_s, demand)


def test_what_never_fits_is_told_no_time() -> None:
    """A request greater than the whole quota is refused for good, in OpenAI's own sentence."""
    refusal = visit(_model(OnDemand(provider="openai", tokens_per_minute=30_000)), 0.0, _ask(30_601))
    assert isinstance(refusal, Refusal)
    assert refusal.retry_after_s is None
    assert refusal.message.startswith("Request too large for")
    assert "Limit 30000, Requested 30601." in refusal.message


def test_bedrock_names_no_time_unless_told_to() -> None:
    """Bedrock's 429 holds no Retry-After; a setting makes it."""
    for says_when, wait_s in ((None, None), (True, 60.0)):
        model = _model(OnDemand(tokens_per_minute=100, says_when=says_when))
        model.admit(0.0, _ask(100))
        refusal = visit(model, 0.0, _ask(100))
        assert isinstance(refusal, Refusal)
        assert wait_s == refusal.retry_after_s


@given(st.floats(0.001, 100_000))
def test_openais_sentence_names_no_less_than_the_wait(wait_s: float) -> None:
    """Clients read the wait out of the sentence: it is that of the header, rounded up to a millisecond."""
    model = _model(OnDemand(provider="openai", tokens_per_minute=60))
    model.ledger.accounts[0].quota.take(0.0, 60 + wait_s - 1)
    refusal = visit(model, 0.0, _ask(1))
    assert isinstance(refusal, Refusal)
    assert refusal.retry_after_s is not None
    found = re.search(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:(\d+)ms)?\. Visit", refusal.message)
    assert found is not None
    hours, minutes, seconds, millis = (float(part or 0) for part in found.groups())
    named_s = hours * 3600 + minutes * 60 + seconds + millis / 1000
    assert -1e-6 <= named_s - refusal.retry_after_s <= 0.0011


def test_refused_requests_count_at_openai_and_not_at_bedrock() -> None:
    """Who asks twice as often as allowed gets nothing more from OpenAI, and the quota from Bedrock."""
    admitted = {}
    for provider in ("openai", "bedrock"):
        settings = {"kind": "on-demand", "provider": provider, "requests_per_minute": 60, "requests_window_s": 1}
        model = _model(msgspec.convert(settings, OnDemand))
        admitted[provider] = sum(not isinstance(visit(model, 0.5 * step, _ask()), Refusal) for step in range(60))
    assert {"openai": 1, "bedrock": 30} == admitted


@pytest.mark.parametrize("refused_by", ["pool", "concurrent"])
def test_every_refusal_counts_at_openai(refused_by: str) -> None:
    """Also a request that was refused for want of servers counts towards the quota of requests."""
    pool = Pool(tokens_per_s=1, background=3.0) if refused_by == "pool" else None
    limits = Limits(concurrent=0 if refused_by == "concurrent" else None)
    model = _model(OnDemand(provider="openai", requests_per_minute=10, pool=pool), limits)
    refusal = visit(model, 0.0, _ask())
    assert isinstance(refusal, Refusal)
    assert "overloaded" == refusal.kind
    assert 9 == model.standing(0.0)["requests"].remaining


# --- what is said -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "quota", "sentence"),
    [
        ("bedrock", "requests_per_minute", "^Too many requests, please wait before trying again.$"),
        ("bedrock", "tokens_per_minute", "^Too many tokens, please wait before trying again.$"),
        ("bedrock", "tokens_per_day", "^Too many tokens per day, please wait before trying again.$"),
        ("openai", "requests_per_minute", r"on requests per min \(RPM\): Limit 10, Used 10, Requested 1. Please try"),
        ("openai", "tokens_per_minute", r"on tokens per min \(TPM\): Limit 10, Used 10, Requested 1. Please try"),
        ("openai", "tokens_per_day", r"on tokens per day \(TPD\): Limit 10, Used 10, Requested 1. Please try"),
        ("anthropic", "requests_per_minute", "of 10 requests per minute. For details"),
        ("anthropic", "input_tokens_per_minute", "of 10 input tokens per minute. For details"),
        ("vertex", "requests_per_minute", "^Quota exceeded for .*/online_prediction_requests_per_base_model with"),
        ("vertex", "input_tokens_per_minute", "^Quota exceeded for .*/online_prediction_input_tokens_per_minute_per"),
    ],
)
def test_each_quota_is_refused_in_the_providers_words(provider: str, quota: str, sentence: str) -> None:
    """Too many requests and too many tokens are told apart, as the provider does."""
    model = _model(msgspec.convert({"kind": "on-demand", "provider": provider, quota: 10}, OnDemand))
    _, refusal = _fill(model, _ask())
    assert "throttled" == refusal.kind
    assert re.search(sentence, refusal.message)
    by_type = "tokens" if provider == "openai" and quota.startswith("tokens") else ""
    assert by_type == refusal.code


def test_too_many_open_requests_are_refused_as_overload() -> None:
    """Bedrock's 503 for too many connections; a request that ends makes room."""
    model = _model(OnDemand(tokens_per_minute=TPM), Limits(concurrent=2))
    seats, refusal = _fill(model, _ask())
    assert 2 == len(seats)
    assert "overloaded" == refusal.kind
    assert "Too many connections, please wait before trying again." == refusal.message
    model.release(0.0, seats[0], 0)
    model.admit(0.0, _ask())


@pytest.mark.parametrize(("provider", "code"), [("openai", "slow_down"), ("anthropic", "")])
def test_traffic_that_grows_too_fast_is_told_to_slow_down(provider: str, code: str) -> None:
    """Far inside the quota, a jump is refused; at half as much again every period it is not."""
    ramp = {"above_tokens_per_minute": 1000, "growth": 0.5, "every_s": 60}
    settings = {"kind": "on-demand", "provider": provider, "input_tokens_per_minute": 1_000_000, "ramp": ramp}
    model = _model(msgspec.convert(settings, OnDemand))
    seats, refusal = _fill(model, _ask(100))
    assert 10 == len(seats)
    assert ("throttled", code) == (refusal.kind, refusal.code)
    assert WORDS["openai" if code else "anthropic"].growth is not None
    assert 6.0 == pytest.approx(refusal.retry_after_s)
    assert 15 == len(_fill(model, _ask(100), 60.0)[0])


# --- what is told -------------------------------------------------------------------------------------------


@given(CALLS, st.sampled_from(["continuous", "fixed"]))
def test_standing_is_true_after_any_history(calls: list[Call], refill: str) -> None:
    """As many tokens as are said to remain get in, of each quota, and one more does not."""
    limits = {"tokens_per_minute": TPM, "input_tokens_per_minute": TPM, "output_tokens_per_minute": TPM // 2}
    settings = {"kind": "on-demand", "refill": refill, "burndown": 5, "requests_per_minute": 20, **limits}
    model = _model(msgspec.convert(settings, OnDemand))
    now_s = last_s(play(model, calls, finish=False))
    told = model.standing(now_s)
    assert ["requests", "tokens", "input-tokens", "output-tokens"] == list(told)
    remaining = {name: meter.remaining for name, meter in told.items()}
    fits = min(remaining.values())
    if fits and (bound := min(remaining["output-tokens"], remaining["tokens"] - 1)) > 0:
        assert not isinstance(visit(copy.deepcopy(model), now_s, _ask(1, bound=bound)), Refusal)
    if fits and (prompt := min(remaining["tokens"], remaining["input-tokens"])):
        assert not isinstance(visit(copy.deepcopy(model), now_s, _ask(prompt)), Refusal)
        assert isinstance(visit(copy.deepcopy(model), now_s, _ask(prompt + 1)), Refusal)
    seats, _ = _fill(copy.deepcopy(model), _ask(), now_s)
    assert len(seats) <= remaining["requests"]
    if remaining["requests"] < min(remaining["tokens"], remaining["input-tokens"]) and remaining["output-tokens"]:
        assert len(seats) == remaining["requests"]


def test_the_tokens_told_of_are_those_of_the_day_where_these_are_fewer() -> None:
    """A caller that heeds the header is not refused for a quota it was not told of."""
    model = _model(OnDemand(tokens_per_minute=1000, tokens_per_day=1500))
    assert 1000 == model.standing(0.0)["tokens"].remaining
    model.admit(0.0, _ask(900))
    assert 600 == pytest.approx(model.standing(60.0)["tokens"].remaining, abs=2)


# --- tiers and the pool -------------------------------------------------------------------------------------


def _per_token_s(seat: Seat) -> float:
    first_s, second_s = seat.token_due_s(0), seat.token_due_s(1)
    assert first_s is not None
    assert second_s is not None
    return second_s - first_s


def test_priority_is_faster_than_default_and_that_than_flex() -> None:
    """Priority gives a quarter more tokens a second, flex fewer; all three use one quota and are named."""
    model = _model(OnDemand(tokens_per_minute=100, tiers=Tiers(priority=PRIORITY, flex=FLEX)))
    seats = [model.admit(0.0, _ask(10, tier=tier)) for tier in ("priority", "", "default", "flex")]
    assert ["priority", "default", "default", "flex"] == [seat.tier for seat in seats]
    assert [0.016, 0.02, 0.02, 0.04] == pytest.approx([_per_token_s(seat) for seat in seats])
    assert 60 == model.standing(0.0)["tokens"].remaining


def test_a_tier_that_is_not_offered_is_served_by_the_default() -> None:
    """Without tiers none is named; with some, the one that served is."""
    assert "" == _model(OnDemand(tokens_per_minute=100)).admit(0.0, _ask(tier="priority")).tier
    offered = OnDemand(tokens_per_minute=100, tiers=Tiers(flex=FLEX))
    assert "default" == _model(offered).admit(0.0, _ask(tier="priority")).tier
    on_vertex = OnDemand(provider="vertex", tokens_per_minute=100, tiers=Tiers(priority=PRIORITY))
    assert "ON_DEMAND" == _model(on_vertex).admit(0.0, _ask()).tier
    assert "ON_DEMAND_PRIORITY" == _model(on_vertex).admit(0.0, _ask(tier="priority")).tier
    on_openai = OnDemand(provider="openai", tokens_per_minute=100, tiers=Tiers(priority=PRIORITY))
    served = [_model(on_openai).admit(0.0, _ask(tier=tier)).tier for tier in ("fast", "priority", "auto", "flex")]
    assert ["priority", "priority", "default", "default"] == served


def test_reserved_capacity_overflows_to_the_default_tier() -> None:
    """Reserved tokens are used first, beside the quota, and what exceeds them runs on the quota, without a word."""
    model = _model(OnDemand(tokens_per_minute=1000, tiers=Tiers(reserved=Reserved())))
    within = [model.admit(0.0, _ask(100, bound=5000, tier="reserved")) for _ in range(2)]
    assert ["reserved", "reserved"] == [seat.tier for seat in within]
    assert 1000 == model.standing(0.0)["tokens"].remaining
    assert "default" == model.admit(0.0, _ask(1, bound=999, tier="reserved")).tier
    assert 0 == model.standing(0.0)["tokens"].remaining
    assert isinstance(visit(model, 0.0, _ask(1, bound=1, tier="reserved")), Refusal)
    model.release(0.0, within[0], 0)
    assert "reserved" == model.admit(0.0, _ask(1, bound=5000, tier="reserved")).tier


@given(st.floats(0, 2.5), st.floats(0, 1000))
def test_a_tight_pool_refuses_flex_first_and_priority_last(background: float, now_s: float) -> None:
    """However full the pool is, the share refused and the queue never favour a lower tier."""
    pool = Pool(tokens_per_s=1000, background=background)
    model = _model(OnDemand(tokens_per_minute=TPM, pool=pool, tiers=Tiers(priority=PRIORITY, flex=FLEX)))
    assert model.pool is not None
    aheads = (PRIORITY.ahead, 0.0, FLEX.ahead)
    refused = [model.pool.refused_ratio(now_s, ahead) for ahead in aheads]
    queues = [model.pool.queue(now_s, ahead) for ahead in aheads]
    assert sorted(refused) == refused
    assert sorted(queues) == queues


def test_a_full_pool_throttles_below_the_quota() -> None:
    """On demand is a shared pool: far below the quota requests are refused, and hold nothing of it."""
    model = _model(OnDemand(tokens_per_minute=2_000_000, pool=Pool(tokens_per_s=1000, background=1.1, swing=0)))
    refusals = [got for _ in range(200) if isinstance(got := visit(model, 0.0, _ask(bound=0)), Refusal)]
    assert 180 <= len(refusals)
    assert {"Too many requests, please wait before trying again."} == {one.message for one in refusals}
    assert 2_000_000 - (200 - len(refusals)) == model.standing(0.0)["tokens"].remaining


def test_reserved_capacity_is_not_of_the_pool() -> None:
    """However full the pool is, what was reserved is served, at once, and loads nobody else's capacity."""
    pool = Pool(tokens_per_s=1000, background=2.0, swing=0)
    model = _model(OnDemand(tokens_per_minute=1000, pool=pool, tiers=Tiers(reserved=Reserved())))
    seat = model.admit(0.0, _ask(100, output=100, bound=100, tier="reserved"))
    assert 0.5 == pytest.approx(seat.token_due_s(0))
    assert model.pool is not None
    assert 2.0 == pytest.approx(model.pool.utilisation(0.0))
    model.release(0.0, seat, 0)
    assert 2.0 == pytest.approx(model.pool.utilisation(0.0))


def test_ones_own_load_is_of_the_pool() -> None:
    """What is asked for fills the pool, makes the next wait, and leaves it when it is never generated."""
    pool = Pool(tokens_per_s=100, background=0, swing=0, refused_at_rest=0)
    model = _model(OnDemand(tokens_per_minute=TPM, pool=pool))
    assert model.pool is not None
    seat = model.admit(0.0, _ask(300, output=500, bound=500))
    assert 0.8 == pytest.approx(model.pool.utilisation(0.0))
    waits = model.admit(0.0, _ask()).token_due_s(0)
    assert waits is not None
    assert 1.0 < waits
    model.release(0.0, seat, 0)
    assert 0.301 == pytest.approx(model.pool.utilisation(0.0), abs=0.002)


# --- the rest -----------------------------------------------------------------------------------------------


def test_tokens_charged_as_they_come_reserve_nothing() -> None:
    """Anthropic's output tokens: a great bound costs nothing, and what is generated uses the quota up meanwhile."""
    settings = OnDemand(provider="anthropic", output_tokens_per_minute=300, reserve="as-generated")
    model = _model(settings)
    model.admit(0.0, _ask(output=5000, bound=5000))
    assert 300 == model.standing(0.0)["output-tokens"].remaining
    model.admit(5.0, _ask(output=1, bound=5000))
    refusal = visit(model, 10.0, _ask(output=1, bound=1))
    assert isinstance(refusal, Refusal)
    assert "of 300 output tokens per minute" in refusal.message
    used_up = _model(settings)
    used_up.ledger.accounts[0].quota.take(0.0, 300)
    assert isinstance(visit(used_up, 0.0, _ask(output=1, bound=1)), Refusal)


def test_a_shrunk_quota_is_told_and_enforced_and_restored() -> None:
    """A provider that is short enforces less than the quota, and says so in the limit it tells."""
    model = _model(OnDemand(tokens_per_minute=1000))
    model.shrink(0.0, 0.25)
    assert Meter(250, 250, 0.0) == model.standing(0.0)["tokens"]
    assert isinstance(visit(model, 0.0, _ask(300)), Refusal)
    model.restore(0.0)
    model.admit(0.0, _ask(1000))


@given(CALLS, st.integers(0, 5))
def test_one_seed_gives_one_history(calls: list[Call], seed: int) -> None:
    """The same seed and traffic give the same seats, refusals and schedules, tokens of the pool included."""
    settings = OnDemand(
        provider="openai",
        tokens_per_minute=TPM,
        requests_per_minute=20,
        pool=Pool(tokens_per_s=2000, background=0.8),
        tiers=Tiers(priority=PRIORITY),
    )

    def told() -> list[object]:
        visits = play(_model(settings, Limits(), seed), calls)
        return [one.seat.token_due_s(3) if one.seat else str(one.refusal) for one in visits]

    assert told() == told()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "no quota is set"),
        ({"tokens_per_minute": 0}, "Expected `int` >= 1"),
        ({"tokens_per_minute": 1, "burndown": 0.5}, "Expected `float` >= 1"),
        ({"tokens_per_minute": 1, "window_s": 0}, "Expected `float` >= 0.1"),
        ({"tokens_per_minute": 1, "tpm": 1}, "unknown field `tpm`"),
        ({"tokens_per_minute": 1, "ramp": {}}, "bedrock has no limit on growth"),
        ({"tokens_per_minute": 1, "provider": "openai", "tiers": {"reserved": {}}}, "openai has no such tier"),
        ({"tokens_per_minute": 1, "tiers": {"reserved": {"input_tokens_per_minute": 5}}}, "`int` >= 100000"),
        ({"tokens_per_minute": 1, "tiers": {"flex": {"ahead": 0.5}}}, "flex.ahead is positive"),
        ({"tokens_per_minute": 1, "tiers": {"priority": {"ahead": -0.5}}}, "priority.ahead is negative"),
    ],
)
def test_settings_no_provider_has_are_refused(settings: dict[str, object], sentence: str) -> None:
    """What cannot be is said when it is read."""
    with pytest.raises(msgspec.ValidationError, match=sentence):
        msgspec.convert({"kind": "on-demand", **settings}, OnDemand)


def test_a_rate_beside_quotas_is_refused() -> None:
    """``limits.rate_rps`` would be passed over; it is an error instead."""
    with pytest.raises(BadInput, match="rate_rps has no meaning behind 'on-demand'"):
        _model(OnDemand(tokens_per_minute=1), Limits(rate_rps=5))


def test_a_tier_by_itself_changes_nothing() -> None:
    """The neutral tier is the default's equal, so that settings say only what differs."""
    model = _model(OnDemand(tokens_per_minute=100, tiers=Tiers(priority=Tier())))
    assert 0.02 == pytest.approx(_per_token_s(model.admit(0.0, _ask(tier="priority"))))
