"""A harness that cannot turn red is not a harness: each planted defect is caught, by its own promise."""

from pathlib import Path

import pytest

from fixtures.routers import REFERENCE
from fixtures.selftest import play_router, to_row
from suites.selftest.planted import PLANTED


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_turns_its_own_promise_red_and_no_other(name: str, tmp_path: Path) -> None:
    """Red means broken."""
    row = to_row(name, play_router(name, 1, tmp_path / name))

    assert row.cells[PLANTED[name].caught_by] == "fail"
    assert row.stray == []


def test_the_reference_router_is_green(tmp_path: Path) -> None:
    """Green means safe: every promise is kept, and every one could be judged."""
    row = to_row(REFERENCE, play_router(REFERENCE, 1, tmp_path / REFERENCE))

    assert {"pass"} == set(row.cells.values())
