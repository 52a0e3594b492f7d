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
