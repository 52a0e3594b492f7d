"""The servers that `bench.cloud` compares, each in a process of its own: ``python -m bench.cloud_servers ours|bare``.

Prints one JSON line with what a client needs to know, and serves until its stdin ends.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import uvloop
from aiohttp import web

from brownout.canary import CanaryMint, run_key
from brownout.capacity import Limits
from brownout.clock import LoopClock
from brownout.evidence import Journal
from brownout.topology import Endpoint, Tenant, Topology
from fixtures.providers.cloud import Cloud
from fixtures.worldd import keep_still

SEED = 1
REPLY_TOKENS = 16
STREAM_TOKENS = 256
PACED_CHUNKS, PACE_S = 40, 0.01  # where the prompt says "pace"
BULK_MB = 128
MODEL = "bench-model"
CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"

_TEXT = "".join(f" w{n}" for n in range(REPLY_TOKENS))
BARE_REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": REPLY_TOKENS, "total_tokens": 9 + REPLY_TOKENS},
    }
).encode()
_HEAD = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench-model",'
    b'"choices":[{"index":0,'
)
BARE_CHUNKS = [
    *(_HEAD + b'"delta":{"content":" w%d"},"finish_reason":null}]}\n\n' % n for n in range(STREAM_TOKENS)),
    _HEAD + b'"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
]


async def _bare(request: web.BaseRequest) -> web.StreamResponse:
    """Do the least that an OpenAI-style handler can: read the body, answer with bytes made long before."""
    body = await request.content.read()
    if b'"stream":true' not in body:
        return web.Response(body=BARE_REPLY, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    if b"pace" in body:
        for chunk in BARE_CHUNKS[:PACED_CHUNKS]:
            await response.write(chunk)
            await asyncio.sleep(PACE_S)
    else:
        for chunk in BARE_CHUNKS:
            await response.write(chunk)
    await response.write_eof()
    return response


async def _serve_bare() -> dict[str, object]:
    server = web.Server(_bare, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    bulk = await asyncio.start_server(_bulk, "127.0.0.1", 0)
    return {"ports": {"bare": listener.sockets[0].getsockname()[1], "bulk": bulk.sockets[0].getsockname()[1]}}


async def _bulk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send `BULK_MB` to whoever comes, as fast as they read."""
    chunk = bytes(1_000_000)
    with contextlib.suppress(OSError):
        for _ in range(BULK_MB):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _endpoint(name: str, dialect: str, model: str, limits: Limits) -> Endpoint:
    return Endpoint(
        name=name,
        cloud="own",
        provider="own",
        region="us-east-1",
        capacity="on-demand",
        dialect=dialect,
        model=model,
        limits=limits,
    )


async def _serve_ours(folder: Path) -> dict[str, object]:
    at_once = Limits(ttft_s=0.0, inter_token_s=0.0, jitter=0.0)
    paced = Limits(ttft_s=0.5, inter_token_s=0.05, jitter=0.0)
    topology = Topology(
        topology="bench",
        endpoints=[
            _endpoint("openai", "openai-chat", MODEL, at_once),
            _endpoint("bedrock", "bedrock-converse", CLAUDE, at_once),
            _endpoint("paced", "openai-chat", MODEL, paced),
        ],
        tenants={"acme": Tenant(allow=["openai"])},
    )
    journal = Journal(folder / "provider.jsonl")
    mint = CanaryMint(run_key(SEED), ["acme"])
    cloud = Cloud(topology, seed=SEED, test="bench", clock=LoopClock(), mint=mint, record=journal.write, folder=folder)
    await cloud.start()
    return {
        "ports": {name: port for name, (_, port) in cloud.addresses.items()},
        "credentials": {name: cloud.identity.credentials(name) for name in cloud.addresses},
        "canary": mint.value("acme", 1),
        "limits": {"ttft_s": paced.ttft_s, "inter_token_s": paced.inter_token_s},
        "journal": str(folder / "provider.jsonl"),
    }


async def _main(which: str) -> None:
    stop = asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        facts = await (_serve_bare() if which == "bare" else _serve_ours(Path(folder)))
        keep_still()
        print(json.dumps(facts), flush=True)  # noqa: T201 - the protocol
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: os.read(0, 1024) or stop.set())
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
