"""The selftest judges the suites: it must itself be able to say no."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brownout.egress import LAYERS, Layer
from brownout.sight import Sight
from brownout.verdict import Outcome, Promise
from fixtures import selftest
from fixtures.leak_sights import sights_in
from fixtures.routers import REFERENCE
from fixtures.selftest_plays import Beside, Played, Plays, play_router
from suites.selftest.leaks import LEAKS
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

    found = selftest.defect_of("no-failover", play_router("no-failover", 1, folder, brief=True))

    assert (True, True) == (found.caught, (folder / "verdicts.json").exists())


@pytest.fixture
def a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the two defects is a leak that the layer of files is meant to see."""
    made = selftest.planted()
    leak = msgspec.structs.replace(made[OTHER], layer="files")
    monkeypatch.setattr(selftest, "planted", lambda: {**made, OTHER: leak})


def _seeing(sight: Sight) -> dict[Layer, Sight]:
    return {**dict.fromkeys(LAYERS, "blind"), "plaintext": "saw", "files": sight}


@pytest.mark.usefixtures("a_leak")
def test_a_leak_that_its_layer_saw_is_caught() -> None:
    """Its promise is red, and the layer that is meant to see it did; the other defect is no leak."""
    matrix = selftest.matrix_of({REFERENCE: GREEN, **RED}, 1, seen={OTHER: _seeing("saw")}, took_s=1.0)

    (leak,) = matrix.leaks
    assert ("pass", OTHER, "files", _seeing("saw"), True) == (
        matrix.outcome,
        leak.id,
        leak.layer,
        leak.layers,
        leak.caught,
    )


@pytest.mark.usefixtures("a_leak")
@pytest.mark.parametrize("sight", ["blind", "incomplete", "absent"])
def test_a_leak_that_its_layer_did_not_see_is_not_caught(sight: Sight) -> None:
    """A promise that is red by what another layer saw says nothing of the one that was meant to see it."""
    matrix = selftest.matrix_of({REFERENCE: GREEN, **RED}, 1, seen={OTHER: _seeing(sight)}, took_s=1.0)

    assert ("fail", [False], [True, False]) == (
        matrix.outcome,
        [one.caught for one in matrix.leaks],
        [one.caught for one in matrix.defects],
    )
    assert [f"{OTHER}: the layer meant to see it, files, is {sight}"] == selftest.complaints(matrix)


@pytest.mark.usefixtures("a_leak")
def test_a_leak_of_which_nobody_has_looked_up_what_was_seen_is_not_caught() -> None:
    """Without the evidence there is no catch."""
    matrix = _matrix()

    assert ("fail", set(LAYERS), {"absent"}) == (
        matrix.outcome,
        set(matrix.leaks[0].layers),
        set(matrix.leaks[0].layers.values()),
    )


@pytest.mark.parametrize("name", ["logs-prompts", "wider-on-retry"])
def test_what_layers_saw_of_a_leak_is_read_from_its_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layer meant for it saw it, the others were blind, and in virtual time there are no flows and no names."""
    monkeypatch.setattr(selftest, "planted", lambda: {name: LEAKS[name]})
    promises = play_router(name, 1, tmp_path / name, brief=True)
    seen = sights_in(tmp_path / name)

    blind: dict[Layer, Sight] = dict.fromkeys(("plaintext", "replies", "telemetry", "files"), "blind")
    expected = {**blind, "flows": "absent", "names": "absent", LEAKS[name].layer: "saw"}
    assert (expected, True) == (seen, selftest.defect_of(name, promises, seen).caught)


WHOLE_MIN = 50  # defects that are played wherever they may differ, in the selftest that is run without a flag
LIKE = {name: one for name, one in PLANTED.items() if one.like}


@pytest.mark.parametrize("name", LIKE)
def test_a_defect_that_is_like_another_breaks_nothing_that_the_other_does_not(name: str) -> None:
    """The other is played everywhere, what is special about this one is said, and a test is named that shows it."""
    one, other = PLANTED[name], PLANTED[LIKE[name].like]

    assert {one.caught_by, *one.also} <= {other.caught_by, *other.also}
    assert (True, True, "", "", "") == (bool(one.like_why), bool(one.seen_in), one.layer, other.layer, other.like)


def test_most_defects_are_like_no_other() -> None:
    """The matrix is of defects on all tests; those that are played on one alone are few."""
    assert len(PLANTED) - len(LIKE) >= WHOLE_MIN


class _AtOnce:
    """Stands in for a pool of processes: does what it is given at once."""

    def submit(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **named))
        return done


KINDS = ("no-failover", "silent-eof", "buffers-streams", "detects-late", "logs-prompts")
"""Two that can be looked into, one like another, one like another with settings of its own, and a leak."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return what is played of five defects, and how; the fixture plays nothing, and the reference has two tests."""
    told: list[tuple[str, str]] = []

    @contextmanager
    def workers(jobs: int) -> Iterator[_AtOnce]:
        del jobs
        yield _AtOnce()

    def reference(seed: int, folder: Path) -> Beside:
        del seed
        folder.mkdir()
        told.append((REFERENCE, "whole"))
        two = [msgspec.structs.replace(GREEN[0], suite="retries", test=test) for test in ("one", "two")]
        return Beside(promises=[*two, msgspec.structs.replace(GREEN[0], suite="boundary", test="three")], reach={})

    def alone(name: str, seed: int, folder: Path, *, brief: bool = False) -> Played:
        del seed
        folder.mkdir()
        told.append((name, "brief" if brief else "whole"))
        return Played(promises=GREEN, plays=Plays(played=1 if brief or LEAKS.get(name) else 2))

    def beside(name: str, seed: int, folder: Path, reference: Beside) -> Played:
        del seed, reference
        folder.mkdir()
        told.append((name, "beside"))
        return Played(promises=GREEN, plays=Plays(played=1, as_reference=1))

    monkeypatch.setattr(selftest, "planted", lambda: {**PLANTED, **LEAKS})
    for name, stand_in in (("play_reference", reference), ("play_alone", alone), ("play_beside", beside)):
        monkeypatch.setattr(selftest, name, stand_in)
    monkeypatch.setattr(selftest, "workers", workers)
    monkeypatch.setattr(selftest, "sights_in", lambda _: {})
    return told


def _run(folder: Path, **how: Any) -> selftest.Matrix:
    return selftest.run_selftest(1, folder, names=[REFERENCE, *KINDS], **how)


def test_a_defect_is_played_where_it_may_differ_and_one_like_another_where_it_shows(
    asked: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Said of each and of all together, also in JSON; a leak is played on every test of its suite."""
    matrix = _run(tmp_path)

    assert {
        REFERENCE: "whole",
        "no-failover": "beside",
        "silent-eof": "beside",
        "buffers-streams": "brief",
        "detects-late": "brief",
        "logs-prompts": "whole",
    } == dict(asked)
    assert {"buffers-streams": "mixes-answers", "detects-late": "asks-the-dead-first"} == {
        one.id: one.like for one in matrix.defects if one.like
    }
    assert Plays(played=5, as_reference=2, left_out=2) == matrix.plays
    assert matrix == msgspec.json.decode(msgspec.json.encode(matrix), type=selftest.Matrix)
    said, alike = selftest.extents(matrix)
    assert said == (
        "of 9 pairs of a defect and a test, 5 were played; in 2 the reference router calls nothing that the defect "
        "replaces: its verdicts stand; 2 were left out"
    )
    assert alike == (
        "played only on the test that shows them, for being like another: buffers-streams (like mixes-answers), "
        "detects-late (like asks-the-dead-first); --all plays every defect on every test"
    )


def test_all_plays_every_defect_on_every_test(asked: list[tuple[str, str]], tmp_path: Path) -> None:
    """Nothing is taken over from the reference router, and nothing left out."""
    matrix = _run(tmp_path, extent="all")

    assert dict.fromkeys((REFERENCE, *KINDS), "whole") == dict(asked)
    assert ["of 9 pairs of a defect and a test, 9 were played"] == selftest.extents(matrix)


def test_brief_plays_each_defect_on_one_test(asked: list[tuple[str, str]], tmp_path: Path) -> None:
    """It says so of none that it is like another: that is not why."""
    matrix = _run(tmp_path, extent="brief")

    assert {REFERENCE: "whole", **dict.fromkeys(KINDS, "brief")} == dict(asked)
    assert (Plays(played=5, left_out=4), []) == (matrix.plays, [one.id for one in matrix.defects if one.like])


def test_a_defect_that_is_asked_for_is_played_wherever_it_may_differ(
    asked: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Whoever plants one wants to see all of it, whatever it is like."""
    _run(tmp_path, asked_for=["buffers-streams", "detects-late"])

    assert ("beside", "whole") == (dict(asked)["buffers-streams"], dict(asked)["detects-late"])
