"""A harness that cries wolf is not a harness either: good routers of other designs turn nothing red.

Each is played here on the tests that its design is about. `make sound` plays them on all of them.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping

import aiohttp
import pytest

from brownout.canary import tenant_of
from brownout.clock import LoopClock
from brownout.evidence import ProviderRecord
from brownout.history import grouped
from brownout.owners import is_public
from brownout.rundir import RunDir
from brownout.target import load_target
from brownout.verdict import Promise
from brownout.virtual import run_virtual
from brownout.wire import Ask, End, Event, Token
from fixtures.catalogue import load_topology
from fixtures.gate import GateOptions, judge_virtual
from fixtures.router.settings import settings_of
from fixtures.router.world_file import Allow, WorldFile
from fixtures.routers import router_named
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

    assert not {one.id: one.why for one in promises if one.outcome not in {"pass", "skipped"}}
    assert set(SOUND[name].shown_by) == {one.test for one in promises if one.outcome == "pass"}
    assert not [log for log in run.path.glob("*/target.log") if log.stat().st_size]


def _at_once(attempts: Collection[ProviderRecord]) -> bool:
    return any(
        one.endpoint != two.endpoint and one.arrived_s < two.arrived_s < one.end_s
        for one in attempts
        for two in attempts
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


def _from_memory(run: RunDir) -> bool:
    """Return whether most answers to common questions were made once and given several times, also amid an outage."""
    outage_s = min(one.at_s for one in run.faults() if one.event == "on" and one.test == COMMON_TEST)
    client = [one for one in run.client() if one.test == COMMON_TEST and one.question and one.outcome == "ok"]
    made = [one for one in run.provider() if one.test == COMMON_TEST and is_public(tenant_of(one.canary or ""))]
    late = [one for one in client if one.due_s >= outage_s]
    late_made = sum(one.arrived_s >= outage_s for one in made)
    return 2 * len(made) < len(client) and 2 * late_made < len(late)


def _prompts_at_home(run: RunDir, test: str) -> float:
    """Return how many prompts were seen where they belong, for each request that endpoints received."""
    (layer,) = [one for one in run.layers() if one.test == test and one.layer == "plaintext"]
    found = re.search(r"prompt (\d+)", layer.why)
    return int(found[1]) / sum(one.test == test for one in run.provider()) if found else 0.0


def _bodies_for_nobody(run: RunDir, play: str = "") -> set[str]:
    """Return digests of what was sent for nobody in one play, at endpoints."""
    names = {one.endpoint for one in run.provider()}
    ours = [one for one in run.tape() if one.test == f"no-word-of-it{play}" and one.place in names and not one.canary]
    assert ours
    return {" ".join(one.blocks) for one in ours}


COMMON_TEST = "answers-stay-with-who-asked"
DOES: Mapping[str, Callable[[RunDir], bool]] = {
    "priority-list": lambda run: _preferred(run) == 1,
    "hedger": lambda run: any(map(_at_once, _by_request(run).values())),
    "even-spread": lambda run: _preferred(run) < 0.35,
    "cached": _from_memory,
    "steady": lambda run: {len(attempts) for attempts in _by_request(run).values()} == {1},
    "buffered": lambda run: any(one.outcome == "error" and one.status == 200 for one in run.client()),
    "probing": lambda run: any(one.canary is None for one in run.provider()),
    "affinity": lambda run: 0.35 < _preferred(run) < 0.9,
    "admitting": lambda run: any(one.status == 429 for one in run.client()),
    "remembering": lambda run: _prompts_at_home(run, "inside-while-failing-over") > 1.8,
    "by-chance": lambda run: len(_bodies_for_nobody(run) & _bodies_for_nobody(run, ".again")) == 0,
}


@pytest.mark.parametrize("name", DOES)
def test_it_does_what_it_was_made_for(name: str, played: Callable[[str], tuple[list[Promise], RunDir]]) -> None:
    """A design that cannot be told from another in the evidence puts nothing to the test."""
    assert DOES[name](played(name)[1])


def test_each_can_be_told_from_the_others() -> None:
    """Whatever is sound in a way of its own does what it is for."""
    assert SOUND.keys() == DOES.keys()


def test_only_who_keeps_answers_gives_them_again(played: Callable[[str], tuple[list[Promise], RunDir]]) -> None:
    """Each reply says so itself: an answer bears a mark of its own, which the layer of replies counts."""
    _, run = played(CACHED.name)
    (layer,) = [one for one in run.layers() if one.test == COMMON_TEST and one.layer == "replies"]
    found = re.search(r"(\d+) answers to common questions were given, and (\d+) times one of them again", layer.why)
    assert found is not None
    assert int(found[2]) > int(found[1]) > 0


ONE = settings_of(load_topology("slack").endpoint("selfhosted-us"), "http://one", {"api_key": "k"})
WORLD = WorldFile(endpoints=[ONE], tenants={"acme": Allow([ONE.name]), "globex": Allow([ONE.name])})
WHOLE: list[Event] = [Token("so "), End(stop="stop")]


def _cached_answers(monkeypatch: pytest.MonkeyPatch, *asked: tuple[str, str]) -> tuple[list[str], list[list[Event]]]:
    """Return what reached the endpoint, and what came back, of prompts that tenants ask for at once, and then again."""
    reached: list[str] = []

    async def answers(router: Gateway, endpoint: str, ask: Ask) -> Route:
        del router, endpoint
        reached.append(ask.prompt)
        await asyncio.sleep(1)
        for event in WHOLE:
            yield event

    async def play() -> list[list[Event]]:
        router = CACHED.make(WORLD, LoopClock(), aiohttp.TCPConnector())
        assert isinstance(router, Gateway)

        async def answer(tenant: str, prompt: str) -> list[Event]:
            ask = Ask(model="m", prompt=prompt)
            return [event async for event in router.route(ask, Caller(tenant, "interactive"))]

        came = [*await asyncio.gather(*(answer(*one) for one in asked)), await answer(*asked[0])]
        await router.close()
        return came

    monkeypatch.setattr(Gateway, "asked", answers)
    return reached, run_virtual(play())


def test_the_cache_asks_once_for_all_who_ask_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and again later; and everybody has the whole answer."""
    reached, came = _cached_answers(monkeypatch, ("acme", "x"), ("acme", "x"), ("acme", "y"))

    assert reached == ["x", "y"]
    assert came == [WHOLE] * 4


def test_the_cache_is_a_tenants_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """For another who asks the very same, it is asked again."""
    reached, _ = _cached_answers(monkeypatch, ("acme", "x"), ("globex", "x"))

    assert reached == ["x", "x"]
