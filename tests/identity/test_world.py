"""What ``world.json`` says of identity, on either clock, and that a network fault spares no way to an endpoint."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from brownout.clock import LoopClock
from brownout.topology import Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from faults.network.embedded import EmbeddedPlane
from fixtures.world import World, WorldSpec, sample_facts
from tests.identity.identities import ENDPOINTS

TOPOLOGY = Topology(topology="t", endpoints=ENDPOINTS, tenants={"acme": Tenant(allow=["own"])})
SERVICES = {"sts", "imds", "google_sts", "iam_credentials", "token", "sagemaker"}


async def _within(folder: Path, do: Callable[[World, dict[str, Any]], Awaitable[None]]) -> None:
    """Raise a world, do something in it with what ``world.json`` says, and take it down."""
    seen: list[object] = []
    spec = WorldSpec(test="t", seed=5, topology=TOPOLOGY, folder=str(folder), epoch_s=0.0)
    world = World(spec, clock=LoopClock(), plane=EmbeddedPlane(5), record=seen.append, record_fault=seen.append)
    await world.start()
    try:
        await do(world, msgspec.json.decode(world.path.read_bytes()))
    finally:
        await world.close()


def test_the_world_says_how_to_get_in(tmp_path: Path) -> None:
    """Every endpoint has its ways in and every service its address; what one has not is empty."""
    written: dict[str, str] = {}
    urls: dict[str, str] = {}

    async def look(world: World, facts: dict[str, Any]) -> None:
        at = {endpoint["name"]: endpoint for endpoint in facts["endpoints"]}
        assert all(one["tls_url"].startswith("https://127.0.0.1:") for one in at.values())
        identity = world.cloud.identity
        assert f"arn:aws:iam::{identity.aws.escrow}:role/brownout-bedrock-us" == at["bedrock-us"]["role_arn"]
        assert at["bedrock-us"]["bedrock_api_key"].startswith("ABSK")
        assert identity.project == at["vertex-us"]["project"]
        written.update(external=at["vertex-us"]["external_account_file"], ca=facts["ca_file"])
        urls.update(facts["services"])
        empty = {"role_arn": "", "bedrock_api_key": "", "external_account_file": "", "project": ""}
        assert empty == {name: at["own"][name] for name in empty}
        assert SERVICES == facts["services"].keys() == facts["services_tls"].keys()

    asyncio.run(_within(tmp_path, look))
    assert urls["google_sts"] == msgspec.json.decode(Path(written["external"]).read_bytes())["token_url"]
    assert "BEGIN CERTIFICATE" in Path(written["ca"]).read_text()
    assert not list(tmp_path.glob("*.service-account.json"))


def test_in_virtual_time_there_is_no_tls(tmp_path: Path) -> None:
    """A virtual world has every service, plainly, and says that it has no TLS."""

    async def look(world: World, facts: dict[str, Any]) -> None:
        assert {""} == {endpoint["tls_url"] for endpoint in facts["endpoints"]}
        assert (SERVICES, {}, "") == (facts["services"].keys(), facts["services_tls"], facts["ca_file"])
        assert {} == world.cloud.tls_addresses

    run_virtual(_within(tmp_path, look))


def test_services_keep_the_worlds_time(tmp_path: Path) -> None:
    """In virtual time a slow service takes virtual seconds, and its tokens end by its own clock."""

    async def ask(world: World, facts: dict[str, Any]) -> None:
        loop, imds = asyncio.get_running_loop(), world.cloud.services["imds"]
        imds.delay_s = 5.0
        token_headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        base = facts["services"]["imds"]
        async with aiohttp.ClientSession(connector=VirtualConnector()) as session:
            async with session.put(f"{base}/latest/api/token", headers=token_headers) as reply:
                token = await reply.text()
            assert 5.0 == pytest.approx(loop.time())

            async def status() -> int:
                headers = {"X-aws-ec2-metadata-token": token}
                async with session.get(f"{base}/latest/meta-data/instance-id", headers=headers) as reply:
                    return reply.status

            assert 200 == await status()
            await asyncio.sleep(60)
            assert 401 == await status()

    run_virtual(_within(tmp_path, ask))


def test_a_sample_world_has_the_same_fields(tmp_path: Path) -> None:
    """What a target's config is tried on has every field that a world has."""

    async def look(_: World, facts: dict[str, Any]) -> None:
        sample = sample_facts(TOPOLOGY)
        assert facts.keys() == sample.keys()
        assert SERVICES == sample["services"].keys() == sample["services_tls"].keys()
        for ours, theirs in zip(facts["endpoints"], sample["endpoints"], strict=True):
            assert ours.keys() == theirs.keys()

    asyncio.run(_within(tmp_path, look))


def test_a_network_fault_spares_no_way_in(tmp_path: Path) -> None:
    """A link that is cut is cut over TLS too, and is clean only when both ways are."""

    async def cut(world: World, facts: dict[str, Any]) -> None:
        trusting = ssl.create_default_context(cafile=facts["ca_file"])
        own = next(endpoint for endpoint in facts["endpoints"] if endpoint["name"] == "own")
        link = world.links["own"]
        async with aiohttp.ClientSession() as session:

            async def get(url: str) -> int:
                async with session.get(f"{url}/v1/models", ssl=trusting) as reply:
                    return reply.status

            for url in (own["url"], own["tls_url"]):
                assert 401 == await get(url)
            await link.disable()
            assert (False, frozenset()) == await link.state()
            for url in (own["url"], own["tls_url"]):
                with pytest.raises(aiohttp.ClientConnectionError):
                    await get(url)
            await link.enable()
            name = await link.add_toxic("latency", {"latency": 1})
            assert (True, {name}) == await link.state()
            await link.remove_toxic(name)
            assert (True, frozenset()) == await link.state()
            for url in (own["url"], own["tls_url"]):
                assert 401 == await get(url)

    asyncio.run(_within(tmp_path, cut))
