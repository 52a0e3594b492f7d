"""A world that outlasts its tests keeps their evidence apart: what each layer says is said of one test."""

import asyncio
from pathlib import Path

import aiohttp
import uvloop

from brownout.canary import CanaryMint, run_key
from brownout.egress import EgressRecord, LayerRecord
from brownout.evidence import read_records
from fixtures.catalogue import load_topology
from fixtures.control import BeginTest
from fixtures.world import WorldSpec
from fixtures.worldd import WorldHost, WorldProcess

SEED = 3
TOPOLOGY = load_topology("slack")
MINT = CanaryMint(run_key(SEED), list(TOPOLOGY.tenants))
HOME, ABROAD = "bedrock-od-us-east-1", "bedrock-od-eu-west-1"


async def _post(host: WorldHost, endpoint: str, text: str) -> None:
    address, port = host.world.cloud.addresses[endpoint]
    async with aiohttp.ClientSession() as session, session.post(f"http://{address}:{port}/", data=text) as reply:
        await reply.read()


async def _played(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    home, run = folder / "home", folder / "run"
    home.mkdir()
    run.mkdir()
    spec = WorldSpec(test="up", seed=SEED, topology=TOPOLOGY, folder=str(home), epoch_s=loop.time())
    host = WorldHost(WorldProcess(spec=spec, evidence=str(home), proxy_prefix="t"))
    await host.start()
    try:
        host.begin(BeginTest(test="first", evidence=str(run), epoch_s=loop.time()))
        await _post(host, HOME, MINT.value("acme", 1))
        await _post(host, ABROAD, MINT.value("acme", 2))
        # A connection that stays open, as a target's does, and has said something that is no request.
        address, port = host.world.cloud.addresses[ABROAD]
        _, writer = await asyncio.open_connection(address, port)
        writer.write(f"POST / HTTP/1.1\r\nX-Prompt: {MINT.value('acme', 3)}\r\n".encode())
        await writer.drain()
        await _post(host, HOME, MINT.value("acme", 4))

        host.begin(BeginTest(test="second", evidence=str(run), epoch_s=loop.time()))
        writer.close()
        await _post(host, HOME, MINT.value("acme", 5))
        host.begin(BeginTest(test="third", evidence=str(run), epoch_s=loop.time()))
        host.begin(BeginTest(test="up", evidence=str(home), epoch_s=loop.time()))
    finally:
        await host.close()


def test_each_test_of_a_world_has_its_own_evidence(tmp_path: Path) -> None:
    """A leak of the first is none of the second's, whose connections are the same; and the third has seen nothing."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(_played(tmp_path), 60))

    seen: list[EgressRecord] = read_records(tmp_path / "run" / "egress.jsonl", EgressRecord)  # type: ignore[assignment]
    assert {("first", "acme-2"), ("first", "acme-3")} == {(one.test, one.canary) for one in seen}
    layers: list[LayerRecord] = read_records(tmp_path / "run" / "layers.jsonl", LayerRecord)  # type: ignore[assignment]
    told = [(one.test, one.complete, one.counted, one.seen) for one in layers if one.layer == "plaintext"]
    assert [("first", True, 3, 3), ("second", True, 1, 1), ("third", False, 0, 0)] == told
    assert [] == read_records(tmp_path / "home" / "egress.jsonl", EgressRecord)
    assert "first" not in (tmp_path / "home" / "layers.jsonl").read_text()
