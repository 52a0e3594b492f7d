"""How long a test goes on after its faults: for as long as the target may take, and long enough to tell."""

import msgspec
import pytest

from brownout.planning import plan_test
from brownout.scenario import PROFILES
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.suites import all_suites

FULL = PROFILES["full"]


@pytest.mark.parametrize(("recover_within_s", "window_s"), [(1.0, 8.0), (8.0, 8.0), (30.0, 30.0)])
def test_a_quick_target_is_watched_for_long_enough_to_tell(recover_within_s: float, window_s: float) -> None:
    """A target that promises to be back within a second is held to it, by more requests than a second brings."""
    target, _ = load_target(str(REFERENCE_TARGET))
    target = msgspec.structs.replace(target, recover_within_s=recover_within_s)
    made = next(one for _, scenarios in all_suites() for one in scenarios if one.test == "region-5xx")
    test = plan_test(made, suite="failover", profile=FULL, target=target, topology=load_topology("slack"), started=True)
    ended_s = max(one.at_s + one.for_s for one in test.injections)
    assert (recover_within_s, window_s) == (test.recover_within_s, test.workload.duration_s - ended_s - FULL.settle_s)


@pytest.mark.parametrize("cooldown_s", [4.0, 30.0])
def test_each_of_several_faults_at_a_place_outlasts_a_cooldown(cooldown_s: float) -> None:
    """Who has left for the first asks again while the second is on: else that would meet nobody, and tell nothing."""
    target, _ = load_target(str(REFERENCE_TARGET))
    target = msgspec.structs.replace(target, cooldown_s=cooldown_s)
    made = [(suite, one) for suite, scenarios in all_suites() for one in scenarios if one.successive > 1]
    topology = load_topology("slack")
    tests = [
        plan_test(one, suite=suite, profile=FULL, target=target, topology=topology, started=True) for suite, one in made
    ]
    assert len(tests) >= 4
    assert all(injection.for_s > cooldown_s for test in tests for injection in test.injections)
