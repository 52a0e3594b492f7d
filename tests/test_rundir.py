"""Where runs go is the user's to say, and a place where none can go is said before anything starts."""

from pathlib import Path

import pytest

from brownout.errors import BadInput
from brownout.rundir import RunDir


def test_a_place_where_nothing_can_be_made_is_bad_input(tmp_path: Path) -> None:
    """A file where the folder of runs should be is refused by its name."""
    taken = tmp_path / "runs"
    taken.write_text("")
    with pytest.raises(BadInput, match=r"--out .*runs: no run directory can be made there"):
        RunDir.create(taken, "gate")


def test_the_latest_run_is_linked(tmp_path: Path) -> None:
    """``latest`` leads to the run made last."""
    RunDir.create(tmp_path, "gate")
    last = RunDir.create(tmp_path, "gate")
    assert last.path == (tmp_path / "gate" / "latest").resolve()
