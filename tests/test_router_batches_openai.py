"""OpenAI's own client hands a batch in to the reference router, and reads what comes of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import openai
import pytest
from aiohttp import web
from openai.types import Batch

from brownout.answer import read_reply
from brownout.canary import CanaryMint, run_key
from brownout.clock import LoopClock, wait_until
from brownout.topology import Tenant, Topology
from faults.network.embedded import EmbeddedPlane
from fixtures.router.__main__ import reference
from fixtures.router.world_file import read_world
from fixtures.world import World, WorldSpec
from tests.live import endpoint

SEED = 5
TENANTS = ["acme", "europa"]
MINT = CanaryMint(run_key(SEED), TENANTS)


@contextlib.asynccontextmanager
async def routed(folder: Path) -> AsyncIterator[str]:
    """Raise a world of one endpoint, which both tenants may use, and the reference router before it."""
    topology = Topology(
        topology="t",
        endpoints=[endpoint("near", "bedrock-converse")],
        tenants={name: Tenant(allow=["near"]) for name in TENANTS},
    )
    clock = LoopClock()
    spec = WorldSpec(test="t", seed=SEED, topology=topology, folder=str(folder), epoch_s=clock.epoch_s)
    world = World(spec, clock=clock, plane=EmbeddedPlane(SEED), record=lambda _: None, record_fault=lambda _: None)
    await world.start()
    facts = read_world(world.path)
    router = reference(facts, clock, aiohttp.TCPConnector(resolver=facts.resolver(clock), use_dns_cache=False))
    listener = await asyncio.get_running_loop().create_server(web.Server(router.handle), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    finally:
        listener.close()
        await router.close()
        await world.close()


def client_of(url: str, tenant: str) -> openai.AsyncOpenAI:
    """Return a tenant's client."""
    return openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0, default_headers={"x-tenant": tenant})


def a_file(count: int) -> bytes:
    """Return a file of requests that bear canaries; the last asks for a stream, which no batch has."""
    bodies = [
        {
            "model": "default",
            "messages": [{"role": "user", "content": f"hello {MINT.value('acme', number)}"}],
            "max_tokens": 4,
            "stream": number == count - 1,
        }
        for number in range(count)
    ]
    lines = [
        {"custom_id": f"ask-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for number, body in enumerate(bodies)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


async def come_to(status: str, client: openai.AsyncOpenAI, batch_id: str) -> Batch:
    """Return a batch once it has come to a status."""

    async def has() -> bool:
        return (await client.batches.retrieve(batch_id)).status == status

    assert await wait_until(has, within_s=30)
    return await client.batches.retrieve(batch_id)


def test_openais_client_hands_in_a_batch_and_reads_its_files(tmp_path: Path) -> None:
    """Upload, create, poll, fetch: output and errors; and to another tenant's client there is no such thing."""

    async def main() -> None:
        async with routed(tmp_path) as url, client_of(url, "acme") as client, client_of(url, "europa") as other:
            uploaded = await client.files.create(file=("asks.jsonl", a_file(4)), purpose="batch")
            assert ("batch", "asks.jsonl") == (uploaded.purpose, uploaded.filename)
            made = await client.batches.create(
                input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            assert "validating" == made.status
            batch = await come_to("completed", client, made.id)
            assert batch.request_counts is not None
            assert (4, 3, 1) == (
                batch.request_counts.total,
                batch.request_counts.completed,
                batch.request_counts.failed,
            )
            assert batch.output_file_id is not None
            assert batch.error_file_id is not None
            output = (await client.files.content(batch.output_file_id)).text
            for line in map(json.loads, output.splitlines()):
                number = int(line["custom_id"].removeprefix("ask-"))
                text = line["response"]["body"]["choices"][0]["message"]["content"]
                assert ("near", "whole") == read_reply(text, f"acme-{number}")
            (error,) = map(json.loads, (await client.files.content(batch.error_file_id)).text.splitlines())
            assert ("ask-3", 400, "stream") == (
                error["custom_id"],
                error["response"]["status_code"],
                error["response"]["body"]["error"]["param"],
            )
            with pytest.raises(openai.NotFoundError):
                await other.batches.retrieve(batch.id)
            with pytest.raises(openai.NotFoundError):
                await other.files.content(batch.output_file_id)
            with pytest.raises(openai.ConflictError):
                await client.batches.cancel(batch.id)

    asyncio.run(main())


def test_openais_client_is_told_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    """By the batch's errors, as its types have them."""

    async def main() -> None:
        async with routed(tmp_path) as url, client_of(url, "acme") as client:
            uploaded = await client.files.create(file=("asks.jsonl", a_file(1) + b"\n{"), purpose="batch")
            made = await client.batches.create(
                input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            batch = await come_to("failed", client, made.id)
            assert batch.errors is not None
            assert batch.errors.data is not None
            assert [("invalid_json_line", 2)] == [(one.code, one.line) for one in batch.errors.data]

    asyncio.run(main())
