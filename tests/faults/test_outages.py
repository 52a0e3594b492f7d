"""The arithmetic of recoveries, and outages that are put on together and taken off in any order."""

import asyncio
import itertools
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.capacity import Behind, Limits
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.pool import Pool
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.fault import make_fault
from brownout.placing import Placed, place
from brownout.schedule import Timing
from brownout.vendors import vendor_of
from faults.cold_cache import ColdCache
from faults.slow_recovery import SlowRecovery
from faults.thundering_herd import arrivals_s
from fixtures.catalogue import load_topology
from tests.faults.trial import Scene, Trial, play, trial_endpoint
from tests.live import endpoint

LONG_S = st.floats(0.1, 10_000)


async def _nothing(scene: Scene) -> None:
    del scene


def _trial(kind: str, at: str, *endpoints: Any, **settings: object) -> Trial:
    return Trial(kind=kind, name="t", meets=_nothing, at=at, settings=settings, endpoints=endpoints)


@given(LONG_S, st.lists(st.floats(0, 1.2), min_size=2), st.sampled_from(["linear", "steps"]), st.integers(1, 20))
def test_a_recovery_never_goes_back(for_s: float, parts: list[float], shape: Any, steps: int) -> None:
    """The part that fails only falls, from all of them at the beginning to none at the end, in as many steps."""
    recovery = SlowRecovery(shape=shape, steps=steps)
    failing = [recovery.failing(part * for_s, for_s) for part in sorted(parts)]
    assert sorted(failing, reverse=True) == failing
    assert (1.0, 0.0) == (recovery.failing(0.0, for_s), recovery.failing(for_s, for_s))
    if shape == "steps":
        assert all(math.isclose(one * steps, round(one * steps), abs_tol=1e-9) for one in failing)


@given(st.floats(1.01, 100), st.integers(0, 100), st.floats(0, 1000), st.floats(0.1, 100), st.floats(0.1, 100))
def test_a_cache_only_warms(factor: float, served: int, on_for_s: float, half: float, half_s: float) -> None:
    """The excess is the whole of it at first, halves as it should, and never grows."""
    cold = ColdCache(factor=factor, half_life_requests=half, half_life_s=half_s)
    assert factor - 1.0 == cold.excess(0, 0.0)
    assert math.isclose((factor - 1.0) / 2, cold.excess(0, half_s))
    now = cold.excess(served, on_for_s)
    assert cold.excess(served + 1, on_for_s) <= now
    assert cold.excess(served, on_for_s + 1) <= now


def test_a_cache_that_never_warms_is_another_fault() -> None:
    """One of the two must melt it."""
    with pytest.raises(BadInput, match="slow-first-token"):
        make_fault("cold-cache", {"half_life_requests": None})


@given(st.integers(0, 1000), st.floats(1, 50), st.floats(1, 30))
def test_a_herd_thins_out(seed: int, rate_rps: float, decay_s: float) -> None:
    """As many come as the rate and its decay say, most of them early, in order; the same seed brings the same."""
    came = list(arrivals_s(rng_for(seed), rate_rps, decay_s))
    expected = rate_rps * decay_s
    assert sorted(came) == came
    assert abs(len(came) - expected) <= 6 * math.sqrt(expected) + 1
    early = sum(one < decay_s for one in came)
    assert abs(early - expected * (1 - 1 / math.e)) <= 6 * math.sqrt(expected) + 1
    assert came == list(arrivals_s(rng_for(seed), rate_rps, decay_s))


CAPACITIES: dict[str, tuple[str, Behind, Limits | None]] = {
    "rate": ("openai-chat", None, Limits(rate_rps=5)),
    "servers": ("openai-chat", None, Limits(concurrent=4)),
    "gpus": ("openai-chat", GpuPoolSettings(speedup=5.0, max_batch=4, kv_tokens=4000), None),
    "tgi": ("openai-chat", GpuPoolSettings(speedup=5.0, server="tgi", queue_limit=4), None),
    "on-demand": ("bedrock-converse", OnDemand(tokens_per_minute=60_000, burndown=5), None),
    "provisioned": ("bedrock-converse", Provisioned(model_units=1, tokens_per_minute=60_000), None),
    "spilling": (
        "vertex-generate",
        Provisioned(gsus=1, tokens_per_s=500, spill=SharedQuota(pool=Pool(tokens_per_s=5000))),
        None,
    ),
    "shared": ("vertex-generate", SharedQuota(pool=Pool(tokens_per_s=5000)), None),
}


@pytest.mark.parametrize("kind", CAPACITIES)
@pytest.mark.parametrize("after_s", [0.0, 0.1, 2.0, 60.0])
def test_a_herd_that_is_driven_away_leaves_no_seat_taken(tmp_path: Path, kind: str, after_s: float) -> None:
    """Whatever stands behind the endpoint and whenever it is undone: no seat, no task, no timer is left."""
    dialect, behind, limits = CAPACITIES[kind]

    async def story(scene: Scene) -> None:
        before = len(asyncio.all_tasks())
        await scene.put_on()
        await scene.wait(after_s)
        off = await scene.lift()
        assert (True, True) == (off.undone, off.fired > 30 if after_s >= 2 else off.fired < 30)
        capacity = scene.live.capacity()
        assert [0] * 3 == [getattr(capacity, name, 0) for name in ("in_flight", "running", "waiting")]
        await scene.live.until(lambda: len(asyncio.all_tasks()) <= before + 1)  # the lease's watch

    play(_trial("thundering-herd", "one", endpoint("one", dialect, behind, limits), rate_rps=30.0), tmp_path, story)


def test_a_herd_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    """Whoever comes, comes at the same instants."""
    fired = []

    async def story(scene: Scene) -> None:
        await scene.put_on()
        await scene.wait(4.0)
        fired.append((await scene.lift()).fired)

    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        play(_trial("thundering-herd", "one", endpoint("one", *CAPACITIES["servers"])), folder, story)
    assert fired[0] == fired[1] > 10


@pytest.mark.parametrize(
    ("kind", "why"), [("thundering-herd", "no bound"), ("quota-shrink", "rate_rps"), ("quota-shrink", "gpu family")]
)
def test_what_has_no_bound_cannot_be_filled_or_shrunk(kind: str, why: str) -> None:
    """It is said before the run, with the endpoint's name and what to set."""
    one = endpoint("one", "openai-chat", GpuPoolSettings() if "gpu" in why else None)
    topology = _trial(kind, "one", one).topology
    placed = Placed(id="i", fault=kind, settings={}, at="one", timing=Timing(at_s=0, for_s=10))
    with pytest.raises(BadInput, match=f"at one: .*{why}"):
        place(placed, topology, seed=1)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_two_who_hold_a_service_down_let_go_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    """It is well again when the last has let go, and not before."""
    settings: list[dict[str, object]] = [{"how": "5xx", "status": 500}, {"how": "refused"}, {"how": "5xx"}]

    async def story(scene: Scene) -> None:
        service = scene.world.cloud.services["sagemaker"]
        turns = []
        for one in settings:
            made: Any = make_fault("control-plane-down", one)
            turns.append(await made.turn(scene.world._hands("by-hand"), []))
        on = set(range(3))
        for number in order:
            assert not await turns[number].undone()
            await turns[number].undo()
            on.discard(number)
            assert await turns[number].undone()
            assert (1 not in on) == service.listening
            assert (503 if 2 in on else 500 if 0 in on else 0) == service.down
        assert [1, 1, 0] == [one.fired() for one in turns]  # nobody listened when the third asked

    play(_trial("control-plane-down", "sagemaker", trial_endpoint("sagemaker", "sagemaker-invoke")), tmp_path, story)


def test_a_service_that_does_not_come_back_is_not_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the service that is read back, and not who was let go."""

    async def story(scene: Scene) -> None:
        service = scene.world.cloud.services["sagemaker"]
        made: Any = make_fault("control-plane-down", {"how": "refused"})
        turned = await made.turn(scene.world._hands("by-hand"), [])

        async def deaf(*, listening: bool) -> None:
            del listening

        with monkeypatch.context() as patch:
            patch.setattr(service, "listen", deaf)
            with pytest.raises(RuntimeError, match="was to listen, and does not"):
                await turned.undo()
            assert not await turned.undone()
        await turned.undo()
        assert service.listening
        assert await turned.undone()

    play(_trial("control-plane-down", "sagemaker", trial_endpoint("sagemaker", "sagemaker-invoke")), tmp_path, story)


def test_a_region_has_a_zone_left() -> None:
    """All zones down is another fault."""
    with pytest.raises(BadInput, match="region-down"):
        make_fault("zone-down", {"zones": 2, "down": 2})


def test_a_vendors_loss_leaves_every_tenant_something() -> None:
    """In the topology of two clouds with one vendor: it is on both, and not all that a tenant may use."""
    topology = load_topology("two-clouds-one-vendor")
    vendors = {one.name: vendor_of(one.model) for one in topology.endpoints}
    assert {"aws", "gcp"} == {one.cloud for one in topology.endpoints if vendors[one.name] == "anthropic"}
    for tenant in topology.tenants.values():
        assert {"anthropic"} < {vendors[name] for name in tenant.allow}
