"""A harness that cries wolf is not a harness either: good routers of other designs turn nothing red.

Each is played here on the tests that its design is about. `make sound` plays them on all of them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import aiohttp
import pytest

from brownout.clock import Clock, LoopClock
from brownout.evidence import ProviderRecord
from brownout.history import grouped
from brownout.rundir import RunDir
from brownout.target import load_target
from brownout.verdict import Promise
from brownout.virtual import run_virtual
from brownout.wire import Ask, End, Event, Refusal, Token
from fixtures.catalogue import load_topology
from fixtures.gate import GateOptions, judge_virtual
from fixtures.routers import router_named
from fixtures.router.world_file import Allow, WorldFile
from fixtures.suites import all_suites
from suites.selftest.sound import SOUND
from suites.selftest.sound.cached import CACHED
from suites.selftest.sound.gateway import Caller, Gateway, Route

SEED = 1


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[list[Promise], RunDir]]:
    """Return what plays a sound router on the tests that its design is about, once."""
    known: dict[str, tuple[list[Promise], RunDir]] = {}

    def play(name: str) -> tuple[list[Promise], RunDir]:
        if name not in known:
            target, folder = load_target(str(SOUND[name].file))
            options = GateOptions(
                target=target,
                folder=folder,
                topology=load_topology("slack"),
                suites=all_suites(),
                profile="full",
                clock="virtual",
                seed=SEED,
                only=SOUND[name].shown_by,
            )
            run = tmp_path_factory.mktemp("sound") / name
            known[name] = judge_virtual(options, run, router_named(target)).promises, RunDir.open(run)
        return known[name]

    return play


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_router_is_green(name: str, played: Callable[[str], tuple[list[Promise], RunDir]]) -> None:
    """Nothing is red, and nothing unknown: what it does not declare is left out, and all else it keeps."""
    promises, run = played(name)

    assert {} == {one.id: one.why for one in promises if one.outcome not in {"pass", "skipped"}}
    assert set(SOUND[name].shown_by) == {one.test for one in promises if one.outcome == "pass"}
    assert [] == [log for log in run.path.glob("*/target.log") if log.stat().st_size]


def _at_once(attempts: Collection[ProviderRecord]) -> bool:
    return any(
        one.endpoint != two.endpoint and one.arrived_s < two.arrived_s < one.end_s for one in attempts for two in attempts
    )


def _by_request(run: RunDir) -> Mapping[str, list[ProviderRecord]]:
    return grouped([one for one in run.provider() if one.canary], lambda one: f"{one.test} {one.canary}")


def _preferred(run: RunDir) -> float:
    """Return the part of the tenants' requests at home that went to one endpoint first, before there was any fault."""
    until_s = min(one.at_s for one in run.faults() if one.event == "on")
    waiting = {one.canary for one in run.client() if one.traffic_class == "interactive" and one.tenant != "europa"}
    first = [
        attempts[0].endpoint
        for attempts in _by_request(run).values()
        if attempts[0].canary in waiting and attempts[0].arrived_s < until_s
    ]
    return max(Counter(first).values()) / len(first)


DOES: Mapping[str, Callable[[RunDir], bool]] = {
    "priority-list": lambda run: _preferred(run) == 1,
    "hedger": lambda run: any(map(_at_once, _by_request(run).values())),
    "even-spread": lambda run: _preferred(run) < 0.35,
    "steady": lambda run: {1} == {len(attempts) for attempts in _by_request(run).values()},
    "buffered": lambda run: any(one.outcome == "error" and one.status == 200 for one in run.client()),
    "probing": lambda run: any(one.canary is None for one in run.provider()),
    "affinity": lambda run: 0.35 < _preferred(run) < 0.9,
    "admitting": lambda run: any(one.status == 429 for one in run.client()),
}


@pytest.mark.parametrize("name", DOES)
def test_it_does_what_it_was_made_for(name: str, played: Callable[[str], tuple[list[Promise], RunDir]]) -> None:
    """A design that cannot be told from another in the evidence puts nothing to the test."""
    assert DOES[name](played(name)[1])


def test_each_can_be_told_from_the_others() -> None:
    """The cache alone cannot: no load asks for the same twice. What it does is tested below."""
    assert {CACHED.name} == SOUND.keys() - DOES.keys()


class _Answering:
    """Stands in for all endpoints; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, endpoint: str, ask: Ask) -> Route:
        self.asked.append(ask.prompt)
        await asyncio.sleep(1)
        if ask.prompt == "fail":
            raise Refusal("internal", endpoint)
        yield Token("so ")
        yield End(stop="stop")


def _cached_answers(*asked: tuple[str, str]) -> tuple[list[str], list[list[Event]]]:
    """Return what reached an endpoint, and what came back, of prompts that tenants asked for all at once, and again."""

    async def play() -> tuple[list[str], list[list[Event]]]:
        world = WorldFile(endpoints=[], tenants={"acme": Allow(["one"]), "globex": Allow(["one"])})
        clock: Clock = LoopClock()
        router = CACHED.make(world, clock, aiohttp.TCPConnector())
        assert isinstance(router, Gateway)
        answering = _Answering()
        router.asked = answering  # type: ignore[method-assign, assignment]
        router.next = lambda ask, caller, tried: None if tried else "one"  # type: ignore[attr-defined]
        router.went = router.left = lambda endpoint: None  # type: ignore[attr-defined]

        async def answer(tenant: str, prompt: str) -> list[Event]:
            ask = Ask(model="m", prompt=prompt)
            return [event async for event in router.route(ask, Caller(tenant, "interactive"))]

        came = [*await asyncio.gather(*(answer(*one) for one in asked)), await answer(*asked[0])]
        await router.close()
        return answering.asked, came

    return run_virtual(play())


def test_the_cache_asks_once_for_all_who_ask_the_same() -> None:
    """At once, and again later; and everybody has the whole answer."""
    asked, came = _cached_answers(("acme", "x"), ("acme", "x"), ("acme", "y"))

    assert ["x", "y"] == asked
    assert [[Token("so "), End(stop="stop")]] * 4 == came


def test_the_cache_is_a_tenants_own() -> None:
    """Another who asks the very same is asked for again."""
    assert ["x", "x"] == _cached_answers(("acme", "x"), ("globex", "x"))[0]
