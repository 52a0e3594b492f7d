"""Several hold one quota down, and let it up in any order: it ends as it was, and each counts what it cost."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.capacity import Behind, Demand, Limits, make_capacity
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota
from brownout.capacity.shares import Shares, Shrinkable
from brownout.clock import rng_for
from brownout.wire import Refusal

PACE = Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0)
DEMAND = Demand(prompt_tokens=90, output_tokens=10, max_tokens=10)
SOLD: dict[str, tuple[Behind, Limits]] = {
    "paced": (None, Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0, rate_rps=10, burst=10)),
    "on-demand": (OnDemand(tokens_per_minute=60_000, window_s=1), PACE),
    "fixed": (OnDemand(tokens_per_minute=60_000, window_s=1, refill="fixed"), PACE),
    "model-units": (Provisioned(model_units=1, tokens_per_minute=60_000, window_s=1), PACE),
    "shared": (SharedQuota(pool=Pool(tokens_per_s=1000, background=0.2, swing=0, refused_at_rest=0)), PACE),
}
RATIOS = st.lists(st.floats(0, 1), min_size=1, max_size=4)


def _made(kind: str) -> Any:
    behind, limits = SOLD[kind]
    model = make_capacity(behind, limits, rng_for(3, kind))
    assert isinstance(model, Shrinkable)
    return model


def _admitted(model: Any, *, at_s: float, count: int = 40, every_s: float = 0.05) -> list[bool]:
    """Ask so often, one after the other, each answered at once; return who got in."""
    got_in = []
    for number in range(count):
        now_s = at_s + number * every_s
        try:
            model.release(now_s, model.admit(now_s, DEMAND), DEMAND.output_tokens)
        except Refusal as refusal:
            if refusal.kind not in {"throttled", "overloaded"}:  # a pool far beyond what it carries says the latter
                raise
            got_in.append(False)
        else:
            got_in.append(True)
    return got_in


@pytest.mark.parametrize("kind", SOLD)
@given(ratios=RATIOS, data=st.data())
@settings(deadline=None)
def test_let_up_in_any_order_it_is_as_it_was(kind: str, ratios: list[float], data: st.DataObject) -> None:
    """Who comes afterwards finds exactly the quota of a model that nobody ever held down."""
    model, other = _made(kind), _made(kind)
    tolls = [model.hold_down(0.0, ratio) for ratio in ratios]
    for toll in data.draw(st.permutations(tolls)):
        assert model.shares.holds(toll)
        model.let_up(0.0, toll)
        model.let_up(0.0, toll)  # once more changes nothing
        assert not model.shares.holds(toll)
    assert 1.0 == model.shares.left
    assert _admitted(other, at_s=0.0) == _admitted(model, at_s=0.0)
    assert [0] * len(tolls) == [toll.acts for toll in tolls]


@pytest.mark.parametrize("kind", SOLD)
def test_two_together_leave_less_than_either(kind: str) -> None:
    """The share is the product, and fewer get in the less is left."""
    got_in = []
    for ratios in ((), (0.5,), (0.5, 0.2)):
        model = _made(kind)
        tolls = [model.hold_down(0.0, ratio) for ratio in ratios]
        admitted = _admitted(model, at_s=5.0)
        got_in.append(sum(admitted))
        assert len({toll.acts for toll in tolls}) <= 1  # each counts what they refuse together
    assert sorted(got_in, reverse=True) == got_in
    assert got_in[0] > got_in[1] > got_in[2]


@pytest.mark.parametrize("kind", SOLD)
@given(ratio=st.floats(0.05, 1), every_s=st.floats(0.01, 0.5))
@settings(deadline=None)
def test_what_a_whole_quota_would_refuse_is_not_counted(kind: str, ratio: float, every_s: float) -> None:
    """Never more than were refused; and where nothing is lost, none, however many are."""
    model = _made(kind)
    toll = model.hold_down(0.0, ratio)
    refused = _admitted(model, at_s=5.0, every_s=every_s).count(False)
    assert toll.acts <= refused
    if ratio == 1.0:
        assert 0 == toll.acts


@pytest.mark.parametrize("kind", ["paced", "on-demand", "model-units"])
def test_a_slow_load_is_counted_whole(kind: str) -> None:
    """A load that the whole quota carries for ever: every refusal is the shrinking's."""
    model = _made(kind)
    assert all(_admitted(model, at_s=5.0, every_s=0.2))
    toll = model.hold_down(20.0, 0.3)
    refused = _admitted(model, at_s=20.0, every_s=0.2).count(False)
    assert (True, refused) == (refused > 0, toll.acts)


def test_the_meter_tells_what_is_enforced() -> None:
    """A plain endpoint's callers are told of the lower limit, and of the whole one afterwards."""
    model = _made("paced")
    toll = model.hold_down(0.0, 0.4)
    assert (4, 4) == model.standing(0.0)["requests"][:2]
    model.let_up(0.0, toll)
    assert (10, 10) == model.standing(0.0)["requests"][:2]


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_who_is_told_when_to_come_back_gets_in(ratio: float, again: float) -> None:
    """A shrunk bucket's waits are right, and what was used before stays used."""
    model = _made("paced")
    _admitted(model, at_s=0.0, count=8, every_s=0.0)
    model.hold_down(0.0, ratio)
    model.hold_down(0.0, again)
    now_s = 0.0
    for _ in range(3):
        try:
            model.admit(now_s, DEMAND)
        except Refusal as refusal:
            now_s += refusal.retry_after_s or 0.0
            model.admit(now_s, DEMAND)


def test_nothing_left_lets_nobody_in() -> None:
    """At a share of 0 nobody gets in, and nobody is told to come back, until it is restored."""
    model = _made("paced")
    model.shrink(0.0, 0.0)
    with pytest.raises(Refusal) as caught:
        model.admit(100.0, DEMAND)
    assert None is caught.value.retry_after_s
    model.restore(100.0)
    model.admit(100.0, DEMAND)


def test_an_endpoint_without_a_rate_has_nothing_to_lose() -> None:
    """All are admitted still."""
    model: Any = make_capacity(None, PACE, rng_for(1))
    model.hold_down(0.0, 0.0)
    assert all(_admitted(model, at_s=0.0, count=200))


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("take", [Shares().take, lambda ratio: _made("paced").hold_down(0.0, ratio)])
def test_a_share_is_between_nothing_and_all(ratio: float, take: Callable[[float], Any]) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        take(ratio)
