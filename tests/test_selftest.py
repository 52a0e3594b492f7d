"""The selftest judges the suites: it must itself be able to say no."""

from pathlib import Path

import pytest

from brownout.verdict import Outcome, Promise
from fixtures import selftest
from fixtures.routers import REFERENCE
from suites.selftest.planted import PLANTED
from suites.selftest.planted.base import Planted

DEFECT, OTHER = "retries-for-ever", "leaks"


def _planted(name: str, caught_by: str, *also: str) -> Planted:
    return Planted(name=name, about="", make=PLANTED["no-failover"].make, caught_by=caught_by, also=frozenset(also))


@pytest.fixture(autouse=True)
def two_defects(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are two defects, one with a consequence."""
    made = (_planted(DEFECT, "retry_amplification", "availability"), _planted(OTHER, "boundary_violations"))
    monkeypatch.setattr(selftest, "planted", lambda: {one.name: one for one in made})


def _promise(slo: str, outcome: Outcome) -> Promise:
    return Promise(
        id=f"s/t/{slo.split(maxsplit=1)[0]}",
        suite="s",
        test="t",
        slo=slo,
        outcome=outcome,
        observed=1.0,
        unit="x",
        samples=1,
        witnesses=[],
        why="because",
    )


def _promises(amplification: Outcome, availability: Outcome, boundary: Outcome) -> list[Promise]:
    return [
        _promise("retry_amplification <= 2x", amplification),
        _promise("availability[tenant=acme] >= 90%", availability),
        _promise("boundary_violations <= 0", boundary),
    ]


GREEN = _promises("pass", "pass", "pass")
RED = {DEFECT: _promises("fail", "fail", "pass"), OTHER: _promises("pass", "unknown", "fail")}


def _matrix(reference: list[Promise] = GREEN, **changed: list[Promise]) -> selftest.Matrix:
    others = {name: changed.get(name.replace("-", "_"), promises) for name, promises in RED.items()}
    return selftest.matrix_of({REFERENCE: reference, **others}, 1, took_s=1.0)


def test_all_as_it_should_be_passes() -> None:
    """Each defect is red by its own promise and its consequences, the reference is green, no promise is unbroken."""
    matrix = _matrix()

    assert ("pass", []) == (matrix.outcome, matrix.unbroken)
    assert (["s/t/retry_amplification"], ["s/t/availability[tenant=acme]"], []) == (
        matrix.defects[0].caught_by,
        matrix.defects[0].also_red,
        matrix.defects[0].unrelated,
    )


@pytest.mark.parametrize("outcome", ["pass", "unknown", "skipped"])
def test_a_defect_whose_own_promise_is_not_red_is_not_caught(outcome: Outcome) -> None:
    """A consequence that is red does not make up for it, and unknown is no catch."""
    matrix = _matrix(retries_for_ever=_promises(outcome, "fail", "pass"))

    assert ("fail", False, ["retry_amplification"]) == (matrix.outcome, matrix.defects[0].caught, matrix.unbroken)


def test_a_defect_that_turns_an_unrelated_promise_red_is_not_well_caught() -> None:
    """A promise that is red for what it has nothing to do with is a false alarm."""
    matrix = _matrix(leaks=_promises("fail", "pass", "fail"))

    assert ("fail", ["s/t/retry_amplification"]) == (matrix.outcome, matrix.defects[1].unrelated)


@pytest.mark.parametrize("outcome", ["fail", "unknown", "skipped"])
def test_a_reference_router_that_is_not_green_fails(outcome: Outcome) -> None:
    """Whatever a promise is on the reference router but kept, it is not ready to judge anybody by."""
    matrix = _matrix(_promises("pass", outcome, "pass"))

    assert ("fail", {"s/t/availability[tenant=acme]": f"{outcome}: because"}) == (
        matrix.outcome,
        matrix.reference.not_green,
    )


def test_a_promise_that_no_defect_breaks_fails() -> None:
    """Of a promise that nothing breaks, nobody knows whether it can turn red."""
    extra = _promise("hung_requests <= 0", "pass")
    matrix = _matrix([*GREEN, extra])

    assert ("fail", ["hung_requests"]) == (matrix.outcome, matrix.unbroken)


def test_no_promises_at_all_are_not_green() -> None:
    """Nothing judged is nothing proven."""
    assert "fail" == _matrix([]).outcome


def test_a_defect_is_caught_in_virtual_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole selftest of one defect, on the test that shows it."""
    shown = {"no-failover": PLANTED["no-failover"]}
    monkeypatch.setattr(selftest, "planted", lambda: shown)
    folder = tmp_path / "no-failover"

    found = selftest.defect_of("no-failover", selftest.play_router("no-failover", 1, folder, brief=True))

    assert (True, True) == (found.caught, (folder / "verdicts.json").exists())
