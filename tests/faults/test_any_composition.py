"""Whatever faults meet on a day: nothing breaks but what they break, and all of it is whole again afterwards."""

from pathlib import Path

import pytest

from brownout.fault import FAULTS
from tests.faults.composition import drawn, kinds, outcome
from tests.faults.day_checks import broken

DAYS = range(14)
TWICE = (2, 11)


@pytest.mark.parametrize("seed", DAYS)
def test_a_random_day_leaves_nothing_and_harms_nobody_for_good(seed: int, tmp_path: Path) -> None:
    """Every fault comes on and goes off in time and is read back; nothing of ours fails; users are served again."""
    day = drawn(seed)
    assert [] == broken(outcome(day, tmp_path)), day


@pytest.mark.parametrize("seed", TWICE)
def test_a_random_day_has_one_history(seed: int, tmp_path: Path) -> None:
    """The same faults over each other make the same bytes."""
    played = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        played.append(outcome(drawn(seed), tmp_path / name).history)
    assert played[0] == played[1]


def test_the_days_are_drawn_from_the_whole_library() -> None:
    """A kind that is never drawn is never tried: what is left out needs a process, TLS, a flag, or a cloud."""
    seen = {one.fault for seed in range(600) for one in drawn(seed).placed}
    assert set(kinds()) == seen
    assert {"aws-fis", "flag-rollback", "router-starved", "router-stopped", "tls-broken", "toxiproxy"} == set(
        FAULTS
    ) - seen
