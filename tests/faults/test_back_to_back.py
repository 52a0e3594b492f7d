"""A fault that goes and comes again at the same instant is on each time."""

from pathlib import Path

import pytest

from brownout.placing import Placed, place
from brownout.schedule import Repeat, Timing
from fixtures.catalogue import load_topology
from tests.faults.composition import Day, outcome
from tests.faults.day_checks import broken


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("control-plane-down", "all"),
        ("imds-down", "aws"),
        ("region-down", "primary"),
        ("router-killed", "target"),
        ("router-restarted", "target"),
        ("sts-down", "aws"),
        ("token-service-down", "gcp"),
    ],
)
def test_what_repeats_without_a_pause_is_met_each_time(kind: str, at: str, tmp_path: Path) -> None:
    """The first time's way back does not undo the second's way out."""
    settings = {"how": "refused"} if at in ("all", "aws", "gcp") else {}
    timing = Timing(at_s=3.1, for_s=1.7, repeat=Repeat(times=4, every_s=1.7))
    one = Placed(id="i", fault=kind, settings=settings, at=at, timing=timing)
    injections = place(one, load_topology("slack"), seed=1)
    seen = outcome(Day(seed=1, topology="slack", placed=[one], injections=injections), tmp_path)
    fired = [record.fired > 0 for record in seen.run.faults() if record.event == "off"]
    assert ([True] * 4, []) == (fired, broken(seen))


def test_a_service_is_shut_anew_at_the_instant_at_which_another_fault_opens_it(tmp_path: Path) -> None:
    """Opening takes time, in which it is not open yet; it must not be taken for shut."""
    refused = {"how": "refused"}
    placed = [
        Placed(id="a", fault="imds-down", settings=refused, at="aws", timing=Timing(at_s=3, for_s=2)),
        Placed(
            id="b",
            fault="control-plane-down",
            settings=refused | {"services": ["imds"]},
            at="all",
            timing=Timing(at_s=5, for_s=2),
        ),
    ]
    injections = [made for one in placed for made in place(one, load_topology("slack"), seed=1)]
    seen = outcome(Day(seed=1, topology="slack", placed=placed, injections=injections), tmp_path)
    fired = {record.injection: record.fired for record in seen.run.faults() if record.event == "off"}
    assert ({"a": 1, "b": 1}, []) == (fired, broken(seen))
