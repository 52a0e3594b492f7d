"""A harness that cannot turn red is not a harness: each planted defect is caught, by its own promise."""

from pathlib import Path

import pytest

from fixtures.leak_sights import sights_in
from fixtures.routers import REFERENCE
from fixtures.selftest import defect_of, reference_of
from fixtures.selftest_plays import play_router
from suites.selftest.leaks import LEAKS
from suites.selftest.planted import PLANTED


@pytest.mark.parametrize("name", [*PLANTED, *LEAKS])
def test_a_planted_defect_turns_its_own_promise_red_and_no_unrelated_one(name: str, tmp_path: Path) -> None:
    """Red means broken; of a leak it means besides that the layer meant to see it did."""
    promises = play_router(name, 1, tmp_path / name, brief=True)
    defect = defect_of(name, promises, sights_in(tmp_path / name))

    assert defect.caught_by
    assert not defect.unrelated
    assert defect.caught


def test_the_reference_router_is_green(tmp_path: Path) -> None:
    """Green means safe: every promise is kept, and every one could be judged."""
    assert not reference_of(play_router(REFERENCE, 1, tmp_path / REFERENCE)).not_green
