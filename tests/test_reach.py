"""A planted router is not played where it does what the reference router does; what that rests on is looked into."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from brownout.wire import Refusal
from fixtures import selftest_plays
from fixtures.reach import CannotTellError, Hook, noting, replaced
from fixtures.router.breaker import Breaker
from fixtures.router.health import Health
from fixtures.router.parts import Parts
from fixtures.router.policy import Policy, Settings
from fixtures.router.renewal import Kept, Renewal
from fixtures.router.server import Router
from fixtures.router.shedding import Room
from fixtures.router.tally import Tally
from fixtures.selftest_plays import hooks_of, may_differ, play_reference, play_router
from suites.selftest.planted.base import with_breaker, with_kept, with_policy, with_room, with_router

# Quick ones, in which different things are called: an outage, a cut stream, an identity service that is down.
QUICK = ["region-refused", "stream-is-not-begun-again", "token-service-down", "invalid-requests"]


class _Deaf(Policy):
    told = 0

    def heeded_s(self, kind: str, told_s: float) -> float | None:
        self.told += 1
        return self._none(kind, told_s)

    def _none(self, *_: object) -> None:
        return None


class _Mixed(_Deaf):
    def begin(self) -> None:
        pass


class _Healing(Breaker):
    def healing(self, now_s: float) -> None:
        pass


class _Ratio(Room):
    def ratio(self, *_: object, **__: object) -> float:
        return 1.0


class _Dropping(Renewal[Any]):
    def failed(self, now_s: float) -> None:
        pass


class _Drops(Kept[Any]):
    life = _Dropping


class _Broken(Tally):
    def broken(self, kind: str) -> None:
        pass


@pytest.mark.parametrize(
    ("make", "hooks"),
    [
        (Parts(), set()),
        (with_policy(_Deaf), {Hook(Policy, "heeded_s")}),
        (with_policy(_Mixed), {Hook(Policy, "heeded_s"), Hook(Policy, "begin")}),
        (with_breaker(_Healing), {Hook(Breaker, "healing")}),
        (with_room(_Ratio), {Hook(Room, "ratio")}),
        (with_kept(_Drops), {Hook(Renewal, "failed")}),
        (Parts(policy=_Deaf, tally=_Broken), {Hook(Policy, "heeded_s"), Hook(Tally, "broken")}),
    ],
)
def test_what_a_router_replaces_is_told(make: Any, hooks: set[Hook]) -> None:
    """Functions in the place of others, also a part's part's; what is a class's own replaces nothing."""
    assert hooks == replaced(make)


class _Remembers(Router):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)


class _Asks(Breaker):
    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class _Watched(Policy):
    @property
    def _retries(self) -> float:
        return 1.0

    @_retries.setter
    def _retries(self, left: float) -> None:
        pass


class _Hasty(Kept[Any]):
    within_s = 1.0


class _OfTheClass(Policy):
    @classmethod
    def begin(cls) -> None:  # type: ignore[override]
        pass


class _Of(type):
    pass


class _Meta(Policy, metaclass=_Of):
    pass


class _Foreign(Policy):
    breaker = Health  # type: ignore[assignment]


@pytest.mark.parametrize(
    "make",
    [
        Router,
        lambda world, clock, connector: Router(world, clock=clock, connector=connector),
        Parts(settings=Settings(attempts_max=2)),
        with_router(_Remembers),
        with_breaker(_Asks),
        with_policy(_Watched),
        with_kept(_Hasty),
        with_policy(_OfTheClass),
        with_policy(_Meta),
        with_policy(_Foreign),
    ],
)
def test_what_cannot_be_looked_into_is_said(make: Any) -> None:
    """A maker of its own, a setting, a constant, a special method, a property, a class method: it may tell anywhere."""
    with pytest.raises(CannotTellError):
        replaced(make)


def test_calls_are_noted_by_test_and_functions_put_back() -> None:
    """Each call is noted in the test that has begun last, of a generator, too; afterwards nothing is left of it."""
    before = vars(Router)["told"], vars(Router)["route"]
    told, route, unused = Hook(Router, "told"), Hook(Router, "route"), Hook(Router, "last_words")

    with noting({told, route, unused}) as notes:
        router: Any = object.__new__(Router)
        notes.test_phase("one", "raising")
        said = router.told(Refusal("denied", "no"))
        notes.test_phase("two", "raising")
        begun = router.route(None, "", "")
        notes.test_phase("two", "ready")

    assert ("denied", True) == (said.kind, isinstance(begun, AsyncGenerator))
    assert {"": set(), "one": {told}, "two": {route}} == notes.reach
    assert before == (vars(Router)["told"], vars(Router)["route"])


def test_functions_are_put_back_whatever_happens() -> None:
    """A run that breaks off leaves the reference router as it was."""
    before = vars(Router)["told"]

    with pytest.raises(RuntimeError), noting({Hook(Router, "told")}):
        raise RuntimeError

    assert before is vars(Router)["told"]


def test_only_tests_in_which_something_replaced_is_called_may_differ() -> None:
    """Of a router that cannot be looked into, all may."""
    told, other = Hook(Router, "told"), Hook(Router, "route")
    reach = {"a": frozenset({told, other}), "b": frozenset({other}), "c": frozenset[Hook]()}

    assert ["a"] == may_differ(frozenset({told}), reach, ["a", "b", "c", "d"])
    assert [] == may_differ(frozenset(), reach, ["a", "b"])
    assert ["a", "b", "c", "d"] == may_differ(None, reach, ["a", "b", "c", "d"])


def test_a_defect_of_the_fault_plane_may_tell_anywhere() -> None:
    """Its router is the reference's; what is another is around it."""
    assert hooks_of("undo-that-does-not") is None


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> selftest_plays.Beside:
    """The reference router on the quick tests, and what it called in them."""
    return play_reference(1, tmp_path_factory.mktemp("runs") / "reference", only=QUICK)


@pytest.mark.parametrize(
    "name", ["silent-eof", "retries-rejections", "drops-good-credentials", "empty-success", "sheds-alike"]
)
def test_where_it_calls_nothing_that_a_defect_replaces_the_reference_router_is_the_defect(
    name: str, beside: selftest_plays.Beside, tmp_path: Path
) -> None:
    """Played both ways, each verdict is the same, with its figure, its samples and its reason."""
    tests = [test for test in QUICK if test not in may_differ(hooks_of(name), beside.reach, QUICK)]
    assert tests

    played = play_router(name, 1, tmp_path / name, only=tests)

    assert [promise for promise in beside.promises if promise.test in tests] == played


def test_a_defect_beside_the_reference_router_is_judged_on_every_test(
    beside: selftest_plays.Beside, tmp_path: Path
) -> None:
    """What is taken over and what is played make up what all of it would have been, in the same order."""
    whole = play_router("silent-eof", 1, tmp_path / "whole", only=QUICK)

    played = selftest_plays.play_beside("silent-eof", 1, tmp_path / "beside", beside)

    assert whole == played.promises
    assert selftest_plays.Plays(played=1, as_reference=len(QUICK) - 1) == played.plays


def test_a_defect_that_replaces_nothing_that_is_called_is_the_reference_router(
    beside: selftest_plays.Beside, tmp_path: Path
) -> None:
    """Nothing is played for it, and nothing of it can be red."""
    played = selftest_plays.play_beside("coin-is-off", 1, tmp_path / "coin", beside)

    assert (beside.promises, selftest_plays.Plays(as_reference=len(QUICK))) == (played.promises, played.plays)
