"""From what people write to injections: every one of them checked, and nothing is left to fail when the load runs."""

from typing import Any

import pytest

import faults  # noqa: F401 - registers every fault
from brownout.errors import BadInput
from brownout.placing import Placed, place
from brownout.schedule import Repeat, Scope, Timing
from fixtures.catalogue import load_topology

SLACK = load_topology("slack")
CAPACITIES = load_topology("capacities")


def placed(fault: str, at: str = "us-east-1", **changes: Any) -> Placed:
    """Return a fault placed for ten seconds."""
    known: dict[str, Any] = {"id": "i", "fault": fault, "settings": {}, "at": at, "timing": Timing(at_s=5, for_s=10)}
    return Placed(**(known | changes))


def test_a_fault_is_placed_where_and_when_it_was_written() -> None:
    """Endpoints by name, settings whole with their defaults, times as they are."""
    (one,) = place(placed("throttling", scope=Scope(share=0.5, tenants=["acme"])), SLACK, seed=1)
    assert ("i", "throttling", ["bedrock-pt-us-east-1", "bedrock-od-us-east-1"]) == (one.id, one.fault, one.endpoints)
    assert (5, 10, 0.5, ["acme"]) == (one.at_s, one.for_s, one.share, one.tenants)
    assert 2.0 == one.settings["retry_after_s"]


def test_a_fault_that_comes_again_is_an_injection_each_time() -> None:
    """Each with a name and a time of its own."""
    timing = Timing(at_s=5, for_s=2, repeat=Repeat(times=3, every_s=4))
    told = [(one.id, one.at_s) for one in place(placed("region-down", timing=timing), SLACK, seed=1)]
    assert [("i.1", 5.0), ("i.2", 9.0), ("i.3", 13.0)] == told


def test_chance_may_leave_a_fault_out_and_one_seed_repeats_that() -> None:
    """Probability is drawn when the run is planned."""
    timing = Timing(at_s=5, for_s=2, probability=0.5)
    came = [len(place(placed("region-down", timing=timing), SLACK, seed=seed)) for seed in range(40)]
    assert came == [len(place(placed("region-down", timing=timing), SLACK, seed=seed)) for seed in range(40)]
    assert {0, 1} == set(came)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (placed("region-dwon"), r"day: unknown fault 'region-dwon'\. Did you mean 'region-down'\?"),
        (placed("region-down", settings={"hwo": 1}), r"day: fault 'region-down' has no setting 'hwo'"),
        (placed("region-down", at="us-esat-1"), r"day: unknown place 'us-esat-1'\. Did you mean 'us-east-1'\?"),
        (placed("throttling", scope=Scope(tenants=["acne"])), r"day: unknown tenant 'acne'\. Did you mean 'acme'\?"),
        (placed("throttling", scope=Scope(models=["gpt*"])), r"day: unknown model 'gpt\*'"),
        (placed("region-down", scope=Scope(tenants=["acme"])), "acts on network, where a request's tenant and model"),
        (placed("region-down", scope=Scope(share=0.5)), "refuses every connection alike"),
        (placed("region-down", timing=Timing(at_s=0, for_s=9, ramp_s=3)), "is on or off, and has no strength"),
        (placed("region-down", at="target"), "does not act on the router's process"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place_and_the_nearest_match(wrong: Placed, message: str) -> None:
    """Before anything starts."""
    with pytest.raises(BadInput, match=message):
        place(wrong, SLACK, seed=1, where="day")


def test_a_fault_by_toxics_may_have_a_share_of_the_connections() -> None:
    """A silent region may be silent for some."""
    (one,) = place(placed("region-down", settings={"how": "silent"}, scope=Scope(share=0.5)), SLACK, seed=1)
    assert 0.5 == one.share
