"""A small router to load: an aiohttp server that answers each request as its number says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from brownout.answer import reply_tokens
from brownout.canary import CanaryMint, run_key
from brownout.dialects.openai_chat import OPENAI_CHAT
from brownout.wire import Answer, Ask, End, HttpRequest, Refusal, Token
from brownout.workload import Arrival, Workload
from loadgen.plan import LoadPlan

TENANTS = ["acme", "globex"]
SEED = 7
MINT = CanaryMint(run_key(SEED), TENANTS)
BEHAVIOURS = ["ok", "refused", "truncated", "wrong", "hung", "error-frame", "reset", "no-answer", "broken-chunk"]


class Router:
    """Answers the n-th request with ``behaviour(n)``, one of `BEHAVIOURS`."""

    def __init__(self, behaviour: Callable[[int], str]) -> None:
        self.behaviour = behaviour
        self.received: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.hung_at_once = self._hung = 0
        self._stopping = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Router"]:
        """Serve on a loopback port of the running loop."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self._stopping.set()
            await runner.cleanup()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        ask = OPENAI_CHAT.server.read_ask(HttpRequest(method="POST", path=request.path, body=body))
        canary = MINT.find(ask.prompt)[0]
        self.received.append(canary)
        self.headers.append(dict(request.headers))
        behaviour = self.behaviour(int(canary.rsplit("-", 1)[1]))
        if behaviour == "no-answer":
            return _dropped(request)
        if behaviour == "refused":
            refusal = OPENAI_CHAT.server.refusal(Refusal("throttled", "slow down", retry_after_s=2), reply_id="r")
            return web.Response(status=refusal.status, headers=refusal.headers, body=refusal.body)
        tokens = reply_tokens("little-router", canary, ask.max_tokens)
        if behaviour == "wrong":
            tokens = [tokens[0], *tokens[2:]]
        answer = self._stream if ask.stream else self._whole
        try:
            return await answer(request, ask, tokens, behaviour)
        except ConnectionError:
            return web.Response()  # the client has left, or was made to

    async def _whole(self, request: web.Request, ask: Ask, tokens: list[str], behaviour: str) -> web.StreamResponse:
        if behaviour in ("reset", "broken-chunk"):
            return _dropped(request)
        if behaviour == "hung":
            await self._hang()
        reply = OPENAI_CHAT.server.reply(ask, Answer(text="".join(tokens), end=End()), reply_id="r")
        body = reply.body
        if behaviour == "truncated":
            body = body.replace(b'"finish_reason":"stop"', b'"finish_reason":null')
        if behaviour == "error-frame":
            body = b'{"error":{"message":"x","type":"server_error","code":null}}'
        return web.Response(status=200, headers=reply.headers, body=body)

    async def _stream(self, request: web.Request, ask: Ask, tokens: list[str], behaviour: str) -> web.StreamResponse:
        reply = web.StreamResponse(headers=OPENAI_CHAT.server.stream_headers(ask, reply_id="r"))
        writer = OPENAI_CHAT.server.writer(ask, reply_id="r")
        await reply.prepare(request)
        await reply.write(writer.start())
        for place, token in enumerate(tokens):
            await reply.write(writer.event(Token(token)))
            await asyncio.sleep(0.002)
            if place == 2 and behaviour == "hung":
                await self._hang()
            if place == 2 and behaviour in ("reset", "broken-chunk"):
                return _dropped(request, politely=behaviour == "broken-chunk")
            if place == 2 and behaviour == "error-frame":
                await reply.write(writer.refusal(Refusal("overloaded")))
                return reply
        if behaviour != "truncated":
            await reply.write(writer.event(End(output_tokens=len(tokens))))
        return reply

    async def _hang(self) -> None:
        """Say no more until the client has left or all is over."""
        self._hung += 1
        self.hung_at_once = max(self.hung_at_once, self._hung)
        try:
            await self._stopping.wait()
        finally:
            self._hung -= 1


def _dropped(request: web.Request, *, politely: bool = False) -> web.Response:
    """Lose the connection: by a reset, or politely by a FIN within the reply."""
    assert request.transport is not None
    if politely:
        request.transport.close()
    else:
        request.transport.abort()
    return web.Response()


@pytest.fixture
def make_plan(tmp_path: Path) -> Callable[..., LoadPlan]:
    """Return a maker of plans for a URL; further arguments are the workload's."""

    def make(url: str, *, rate_rps: float = 50.0, epoch_s: float = 0.0, **workload: object) -> LoadPlan:
        settings = {"duration_s": 1.0, "patience_s": 1.0, "stream_share": 0.7, **workload}
        return LoadPlan(
            test="t",
            url=url,
            dialect="openai-chat",
            api_key="sk-load",
            tenant_header="X-Tenant",
            class_header="X-Class",
            models=["m1", "m2"],
            tenants=TENANTS,
            key_hex=run_key(SEED).hex(),
            workload=Workload(arrival=Arrival(process="constant", rate_rps=rate_rps), **settings),  # type: ignore[arg-type]
            seed=SEED,
            epoch_s=epoch_s,
            client_path=str(tmp_path / "client.jsonl"),
        )

    return make


@pytest.fixture
def make_router() -> type[Router]:
    """Return the maker of routers (tests cannot import this file)."""
    return Router
