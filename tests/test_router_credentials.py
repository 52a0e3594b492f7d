"""The router's credentials: renewed in time and by one, kept while they hold, had without a secret."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.clock import LoopClock
from brownout.topology import Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import Ask, Refusal
from faults.network.embedded import EmbeddedPlane
from fixtures.router.__main__ import reference
from fixtures.router.renewal import Grant, Kept, Renewal, RenewalSettings
from fixtures.router.server import Router
from fixtures.router.world_file import read_world
from fixtures.world import World, WorldSpec
from tests.live import endpoint

if TYPE_CHECKING:
    import aiohttp

    from brownout.evidence import CredentialRecord, ProviderRecord

SETTINGS = RenewalSettings()
LIFE_S = 10.0
STEPS = st.lists(st.tuples(st.floats(0, 4), st.sampled_from(["grant", "fail", "refuse", "stale"])), max_size=40)


@given(STEPS)
def test_a_credential_is_shown_while_it_holds_and_never_when_it_was_refused(steps: list[tuple[float, str]]) -> None:
    """After any history: what is good was granted, has not ended and was not refused; and a new one is due in time."""
    renewal: Renewal[list[int]] = Renewal(SETTINGS)
    now_s, until_s = 0.0, 0.0
    held: list[int] | None = None
    for number, (gap_s, what) in enumerate(steps):
        now_s += gap_s
        if what == "grant":
            held, until_s = [number], now_s + LIFE_S
            renewal.granted(now_s, held, LIFE_S)
        elif what == "fail":
            renewal.failed(now_s)
            assert not renewal.due(now_s)
        elif what == "stale":
            renewal.refused([-1])
        elif held is not None:
            renewal.refused(held)
            held = None
        assert (held if now_s < until_s else None) is renewal.good(now_s)
        soon_s = now_s + max(SETTINGS.retry_s, SETTINGS.pause_s, LIFE_S)
        assert renewal.due(soon_s)


def test_it_is_renewed_at_half_its_life() -> None:
    """Not before, and from then on."""
    renewal: Renewal[str] = Renewal(SETTINGS)
    renewal.granted(100.0, "a", LIFE_S)
    assert [False, True, True] == [renewal.due(at_s) for at_s in (104.9, 105.0, 111.0)]


def test_one_that_is_refused_when_new_is_not_replaced_at_once() -> None:
    """Where new ones are refused too, asking for more is no help."""
    renewal: Renewal[str] = Renewal(SETTINGS)
    renewal.granted(100.0, "a", LIFE_S)
    renewal.refused("a")
    assert [False, True] == [renewal.due(at_s) for at_s in (104.9, 105.0)]


class Service:
    """A service that takes a second, and may give out nothing."""

    def __init__(self, clock: LoopClock) -> None:
        self.clock, self.calls, self.down = clock, 0, False

    async def __call__(self) -> Grant[str]:
        """Answer."""
        self.calls += 1
        number = self.calls
        await asyncio.sleep(1.0)
        if self.down:
            raise Refusal("unauthenticated", "down")
        return Grant(f"credential {number}", self.clock.utc() + dt.timedelta(seconds=LIFE_S))


def with_service(story: Callable[[Service, Kept[str]], Awaitable[None]]) -> None:
    """Tell a story of a service and one who keeps its credentials, in virtual time."""

    async def told() -> None:
        clock = LoopClock()
        service = Service(clock)
        kept = Kept(service, clock)
        await story(service, kept)
        await kept.close()

    run_virtual(told())


def test_one_caller_asks_for_all_who_want_it() -> None:
    """And who gives up waiting takes nothing from the others."""

    async def story(service: Service, kept: Kept[str]) -> None:
        waiting = [asyncio.create_task(kept.value()) for _ in range(20)]
        await asyncio.sleep(0.5)
        waiting[0].cancel()
        got = await asyncio.gather(*waiting, return_exceptions=True)
        assert ({"credential 1"}, 1) == (set(got[1:]), service.calls)

    with_service(story)


def test_who_finds_a_good_one_does_not_wait_for_the_next() -> None:
    """Past half its life it is renewed beside."""

    async def story(service: Service, kept: Kept[str]) -> None:
        await kept.value()
        await asyncio.sleep(6.0)
        begun_s = service.clock.now_s()
        assert ("credential 1", begun_s) == (await kept.value(), service.clock.now_s())
        await asyncio.sleep(1.5)
        assert ("credential 2", 2) == (await kept.value(), service.calls)

    with_service(story)


def test_an_outage_is_ridden_out_for_as_long_as_the_last_one_holds() -> None:
    """Then there is none, and that is said; afterwards there is again."""

    async def story(service: Service, kept: Kept[str]) -> None:
        await kept.value()
        service.down = True
        for _ in range(9):
            assert "credential 1" == await kept.value()
            await asyncio.sleep(1.0)
        await asyncio.sleep(1.0)
        with pytest.raises(Refusal, match="no credential could be had"):
            await kept.value()
        assert service.calls <= 6
        service.down = False
        await asyncio.sleep(1.0)
        assert "credential" in await kept.value()

    with_service(story)


def test_in_a_world_the_router_needs_no_secret(tmp_path: Path) -> None:
    """It shows a session to AWS and a federated token to Google, and asks for each once."""
    places = [endpoint("od", "bedrock-converse"), endpoint("vertex", "vertex-generate")]
    topology = Topology(topology="t", endpoints=places, tenants={"acme": Tenant(allow=["od", "vertex"])})
    seen: list[ProviderRecord] = []
    calls: list[CredentialRecord] = []

    async def asked(router: Router, name: str) -> None:
        ask = Ask(model="default", prompt="hello", max_tokens=4)
        for _ in range(3):
            assert [event async for event in router.upstreams[name].events(ask)]

    async def told() -> None:
        clock = LoopClock()
        spec = WorldSpec(
            test="t", seed=5, topology=topology, folder=str(tmp_path), epoch_s=0.0, credentials_live_s=20.0
        )
        world = World(
            spec,
            clock=clock,
            plane=EmbeddedPlane(5),
            record=seen.append,
            record_fault=lambda _: None,
            record_call=calls.append,
        )
        await world.start()
        facts = read_world(world.path)
        connector: aiohttp.BaseConnector = VirtualConnector(limit=0, resolver=facts.resolver(clock))
        router = reference(facts, clock, connector)
        try:
            await asked(router, "od")
            await asked(router, "vertex")
        finally:
            await router.close()
            await world.close()

    run_virtual(told())
    kinds = {(one.endpoint, one.credential, one.outcome) for one in seen}
    assert {("od", "session", "ok"), ("vertex", "token", "ok")} == kinds
    assert ["imds", "sts", "google_sts", "iam_credentials"] == [one.service for one in calls]
    assert {200} == {one.status for one in calls}
    assert all(one.credential_until_s is not None and one.credential_until_s <= 20.5 for one in seen)
