"""The reference router finds its endpoints by the world's name server, and notices when their names are gone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import dns.resolver
import pytest

from brownout.clock import LoopClock
from brownout.errors import BadInput
from brownout.topology import Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import Ask, End, Event, Refusal
from faults.dns_gone import DnsGone
from faults.network.embedded import EmbeddedPlane
from fixtures.providers.name_port import NamePort
from fixtures.providers.names import TTL_S, NameServer
from fixtures.router.__main__ import connector_to, reference
from fixtures.router.names import WorldNames
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile, read_world
from fixtures.world import World, WorldSpec
from tests.live import endpoint

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
PT, OD, VERTEX = (
    endpoint("pt", "bedrock-converse"),
    endpoint("od", "bedrock-converse"),
    endpoint("vertex", "vertex-generate"),
)
TOPOLOGY = Topology(topology="t", endpoints=[PT, OD, VERTEX], tenants={"acme": Tenant(allow=["pt", "od", "vertex"])})
Story = Callable[[World, WorldFile], Awaitable[None]]


async def within(folder: Path, story: Story, *, tls: bool = False) -> None:
    """Raise a world, tell a story in it, and take it down."""
    seen: list[object] = []
    spec = WorldSpec(test="t", seed=5, topology=TOPOLOGY, folder=str(folder), epoch_s=0.0)
    world = World(spec, clock=LoopClock(), plane=EmbeddedPlane(5), record=seen.append, record_fault=seen.append)
    await world.start()
    try:
        await story(world, read_world(world.path, tls=tls))
    finally:
        await world.close()


async def routed(router: Router) -> list[Event]:
    """Return the events of one answer."""
    ask = Ask(model="default", prompt="hello", max_tokens=4)
    return [event async for event in router.route(ask, "acme", "interactive")]


def tried(router: Router) -> dict[tuple[str, str], int]:
    """Return how its attempts went, by endpoint and outcome."""
    return dict(router.tally.attempts)


async def with_server(story: Callable[[NameServer, WorldNames], Awaitable[None]], ttl_s: int = TTL_S) -> None:
    """Raise a name server that knows one host, and a resolver that asks it."""
    clock = LoopClock()
    server = NameServer({"pt": HOST}, clock=clock, ttl_s=ttl_s)
    port = NamePort(server.answer)
    await port.open()
    try:
        await story(server, WorldNames("127.0.0.1", port.port, clock))
    finally:
        await port.close()


def test_names_are_remembered_for_their_ttl_and_no_longer() -> None:
    """One lookup serves until the instant at which it expires; then the name server is asked again."""

    async def story(server: NameServer, names: WorldNames) -> None:
        for _ in range(3):
            (found,) = await names.resolve(HOST, 443)
            assert ("127.0.0.1", 443, HOST) == (found["host"], found["port"], found["hostname"])
            await asyncio.sleep(TTL_S / 3)
        assert 1 == len(server.asked)
        await names.resolve(HOST)
        assert 2 == len(server.asked)

    run_virtual(with_server(story))


@pytest.mark.parametrize("how", ["nxdomain", "servfail", "empty"])
def test_what_is_not_found_is_not_remembered(how: Any) -> None:
    """Every try asks anew, so that a name that is back is found at once; a name that expired is not used meanwhile."""

    async def story(server: NameServer, names: WorldNames) -> None:
        await names.resolve(HOST)
        spoil = server.spoil(HOST, how)
        await names.resolve(HOST)
        await asyncio.sleep(TTL_S)
        for _ in range(2):
            with pytest.raises(OSError, match=HOST):
                await names.resolve(HOST)
        assert 2 == spoil.met
        spoil.heal()
        assert "127.0.0.1" == (await names.resolve(HOST))[0]["host"]

    run_virtual(with_server(story))


def test_many_who_ask_at_once_share_a_lookup() -> None:
    """A herd of new connections is one question, and one of them who leaves takes nothing from the others."""

    async def story(server: NameServer, names: WorldNames) -> None:
        herd = [asyncio.create_task(names.resolve(HOST)) for _ in range(50)]
        await asyncio.sleep(0)
        herd[0].cancel()
        found = await asyncio.gather(*herd, return_exceptions=True)
        assert (True, ["127.0.0.1"] * 49) == (
            isinstance(found[0], asyncio.CancelledError),
            [one[0]["host"] for one in found[1:] if isinstance(one, list)],
        )
        assert 1 == len(server.asked)

    run_virtual(with_server(story, ttl_s=0))


def test_a_silent_name_server_is_not_waited_for() -> None:
    """A second, and who asks then asks anew; nor does one that is not there hold anybody up."""

    async def story(server: NameServer, names: WorldNames) -> None:
        loop = asyncio.get_running_loop()
        server.spoil(HOST, "silent")
        with pytest.raises(OSError, match="silent"):
            await names.resolve(HOST)
        assert 1.0 == pytest.approx(loop.time())
        nobody = WorldNames("127.0.0.1", 1, LoopClock())
        with pytest.raises(OSError, match="nobody listens"):
            await nobody.resolve(HOST)

    run_virtual(with_server(story))


def test_the_router_calls_its_endpoints_by_name(tmp_path: Path) -> None:
    """Signed requests bear the production name, and are served; the addresses in the world's file stay as they were."""

    async def story(world: World, file: WorldFile) -> None:
        assert [HOST, HOST, "us-central1-aiplatform.googleapis.com"] == [one.host for one in file.endpoints]
        assert [f"http://{one.host}:{world.links[one.name].port}" for one in file.endpoints] == [
            one.url for one in file.endpoints
        ]
        assert [f"http://127.0.0.1:{world.links[name].port}" for name in TOPOLOGY.names] == [
            one["url"] for one in world.facts()["endpoints"]
        ]
        router = reference(file, LoopClock(), VirtualConnector(resolver=file.resolver(LoopClock())))
        assert isinstance((await routed(router))[-1], End)
        assert {("pt", "ok"): 1} == tried(router)
        assert [HOST] == [one.name for one in world.cloud.names.asked]
        await router.close()

    run_virtual(within(tmp_path, story))


def test_names_that_are_gone_turn_into_a_failover_at_once(tmp_path: Path) -> None:
    """It costs no wait, and the next place answers."""

    async def story(world: World, file: WorldFile) -> None:
        router = reference(file, LoopClock(), VirtualConnector(resolver=file.resolver(LoopClock())))
        turned = await DnsGone().turn(SimpleNamespace(names=world.cloud.names), ["pt"])
        began_s = LoopClock().now_s()
        assert isinstance((await routed(router))[-1], End)
        assert {("pt", "unavailable"): 1, ("vertex", "ok"): 1} == tried(router)
        assert (True, 1) == (LoopClock().now_s() - began_s < 0.5, turned.fired())
        await turned.undo()
        assert (True, None) == (await turned.undone(), world.cloud.names.spoiled(HOST))
        await router.close()

    run_virtual(within(tmp_path, story))


def test_what_is_connected_stays_so_when_names_go(tmp_path: Path) -> None:
    """Requests over a connection from before are served for as long as it lives; the first new one is not."""

    async def story(world: World, file: WorldFile) -> None:
        router = reference(file, LoopClock(), VirtualConnector(resolver=file.resolver(LoopClock())))
        await routed(router)
        spoil = world.cloud.names.spoil(HOST, "nxdomain")
        await asyncio.sleep(TTL_S + 1)
        await routed(router)
        assert ({("pt", "ok"): 2}, 0) == (tried(router), spoil.met)
        await asyncio.gather(routed(router), routed(router))
        assert ({("pt", "ok"): 3, ("pt", "unavailable"): 1, ("vertex", "ok"): 1}, 1) == (tried(router), spoil.met)
        await router.close()

    run_virtual(within(tmp_path, story))


def test_two_faults_on_one_name_end_healed_in_any_order(tmp_path: Path) -> None:
    """The first that goes leaves the other's; each reads back its own."""

    async def story(world: World, _: WorldFile) -> None:
        hands: Any = SimpleNamespace(names=world.cloud.names)
        for first in (0, 1):
            turned = [await DnsGone(how="empty").turn(hands, ["pt"]), await DnsGone(how="silent").turn(hands, ["od"])]
            await turned[first].undo()
            left = ("silent", "empty")[first]
            assert (True, False, left) == (
                await turned[first].undone(),
                await turned[1 - first].undone(),
                world.cloud.names.spoiled(HOST),
            )
            await turned[1 - first].undo()
            assert (True, None) == (await turned[1 - first].undone(), world.cloud.names.spoiled(HOST))

    run_virtual(within(tmp_path, story))


def test_new_connections_cost_no_request_when_names_expire(tmp_path: Path) -> None:
    """On real sockets, with a connection for each request and nothing remembered, every request is served."""

    async def story(world: World, file: WorldFile) -> None:
        world.cloud.names.ttl_s = 0
        clock = LoopClock()
        connector = aiohttp.TCPConnector(limit=0, force_close=True, resolver=file.resolver(clock), use_dns_cache=False)
        router = reference(file, clock, connector)
        for _ in range(4):
            await asyncio.gather(*(routed(router) for _ in range(5)))
        assert {("pt", "ok"): 20} == tried(router)
        assert 4 <= len(world.cloud.names.asked) <= 20
        await router.close()

    asyncio.run(within(tmp_path, story))


def test_other_resolvers_find_the_endpoints_too(tmp_path: Path) -> None:
    """A stub resolver over UDP gets the address, and sees the name go and come back."""

    async def story(world: World, _: WorldFile) -> None:
        facts = world.facts()["dns"]
        stub = dns.resolver.Resolver(configure=False)
        stub.nameservers, stub.port, stub.lifetime = [facts["host"]], facts["port"], 10.0

        async def found(host: str) -> list[str]:
            return [record.to_text() for record in await asyncio.to_thread(stub.resolve, host, "A")]

        assert ["127.0.0.1"] == await found(HOST)
        for how, error in (("nxdomain", dns.resolver.NXDOMAIN), ("empty", dns.resolver.NoAnswer)):
            spoil = world.cloud.names.spoil(HOST, how)  # type: ignore[arg-type]
            with pytest.raises(error):
                await found(HOST)
            spoil.heal()
        assert [["127.0.0.1"]] * 2 == [await found(HOST), await found("sts.us-east-1.amazonaws.com")]

    asyncio.run(within(tmp_path, story))


def test_over_tls_the_router_proves_whom_it_calls(tmp_path: Path) -> None:
    """By name and with the world's authority it is served; a certificate that has expired turns into a failover."""

    async def story(world: World, file: WorldFile) -> None:
        assert all(one.url.startswith(f"https://{one.host}:") for one in file.endpoints)
        clock = LoopClock()
        router = reference(file, clock, connector_to(file, clock))
        spoil = world.cloud.certificates.spoil("pt", "expired")
        assert isinstance((await routed(router))[-1], End)
        assert ({("pt", "unavailable"): 1, ("vertex", "ok"): 1}, 1) == (tried(router), spoil.met)
        spoil.heal()
        assert isinstance((await routed(router))[-1], End)
        assert 1 == tried(router)["pt", "ok"]
        await router.close()

    asyncio.run(within(tmp_path, story, tls=True))


def test_a_world_without_tls_is_not_called_over_it(tmp_path: Path) -> None:
    """It is said before a request is lost."""

    async def story(_: World, file: WorldFile) -> None:
        del file

    with pytest.raises(BadInput, match="no TLS"):
        run_virtual(within(tmp_path, story, tls=True))


def test_a_lookup_that_failed_is_a_connection_that_was_refused(tmp_path: Path) -> None:
    """So the policy is told, at every endpoint under that name, wherever the fault was put."""

    async def story(world: World, file: WorldFile) -> None:
        router = reference(file, LoopClock(), VirtualConnector(resolver=file.resolver(LoopClock())))
        turned = await DnsGone(how="servfail").turn(SimpleNamespace(names=world.cloud.names), ["pt"])
        for name in ("pt", "od"):
            with pytest.raises(Refusal) as refused:
                _ = [event async for event in router.upstreams[name].events(Ask(model="", prompt="hello"))]
            cause = refused.value.__cause__
            assert ("unavailable", True) == (refused.value.kind, isinstance(cause, aiohttp.ClientConnectorError))
        assert 2 == turned.fired()
        await router.close()

    run_virtual(within(tmp_path, story))
