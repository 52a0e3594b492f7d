"""A cloud of ours with an endpoint a dialect, the conformance run against it, and proxies that break its replies."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import aiohttp
from aiohttp import web
from yarl import URL

from brownout.canary import CanaryMint, run_key
from brownout.capacity import Behind, Limits
from brownout.capacity.on_demand import OnDemand
from brownout.clock import LoopClock
from brownout.conformance import Check, Finding
from brownout.dialects import DIALECTS
from brownout.topology import Endpoint, Tenant, Topology
from brownout.wire import Answer, Ask, Dialect, End, HttpReply, HttpRequest, ToolCall
from fixtures.conform.checks import checks_for, selected
from fixtures.conform.credentials import Credentials, Prover
from fixtures.conform.forms import FORMS
from fixtures.conform.probe import Subject
from fixtures.conform.redaction import Redactor
from fixtures.conform.runner import Runner
from fixtures.conform.transport import Address
from fixtures.providers.cloud import Cloud

SEED = 11
_LIMITS = Limits(ttft_s=0.001, inter_token_s=0.0002)
# Quotas far above what the checks need, so that replies say what is left of them.
_BEHIND: dict[str, Behind] = {
    "openai-chat": OnDemand(provider="openai", requests_per_minute=600_000, tokens_per_minute=90_000_000),
    "anthropic-messages": OnDemand(
        provider="anthropic",
        requests_per_minute=600_000,
        input_tokens_per_minute=90_000_000,
        output_tokens_per_minute=90_000_000,
    ),
}
_REGIONS = {"bedrock": "us-east-1", "sagemaker": "us-east-1", "vertex": "us-central1"}
_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}


def region_of(dialect: str) -> str:
    """Return where a dialect's endpoint is."""
    return _REGIONS.get(dialect.partition("-")[0], "us")


def _endpoint(dialect: str) -> Endpoint:
    cloud = dialect.partition("-")[0]
    return Endpoint(
        name=dialect,
        cloud=cloud,
        provider=cloud,
        region=region_of(dialect),
        capacity="on-demand",
        dialect=dialect,
        model=FORMS[dialect].model,
        limits=_LIMITS,
        behind=_BEHIND.get(dialect),
    )


TOPOLOGY = Topology(
    topology="conformance",
    endpoints=[_endpoint(dialect) for dialect in FORMS],
    tenants={"acme": Tenant(allow=list(FORMS))},
)


class Aborted(Exception):  # noqa: N818 - what happens to the connection
    """Raised by a mutation to close the connection: after the head and half of the body where it bears a reply."""

    def __init__(self, reply: HttpReply | None = None) -> None:
        super().__init__()
        self.reply = reply


Forward: TypeAlias = Callable[[HttpRequest], Awaitable[HttpReply]]


@dataclass
class Visit:
    """One request at the proxy, and what a mutation may do about it."""

    request: HttpRequest
    dialect: Dialect
    model: str
    forward: Forward
    number: int
    closes: bool = False

    async def reply(self, request: HttpRequest | None = None) -> HttpReply:
        """Return what the endpoint replies to the request, or to another."""
        return await self.forward(request or self.request)

    def answer(self, text: str = "Fine.", *, output_tokens: int = 2) -> HttpReply:
        """Return a good answer that nobody gave, whole."""
        server = self.dialect.server
        ask = server.read_ask(self.dialect.client.request(self._ask(), project="p", location="l"))
        end = End(prompt_tokens=7, output_tokens=output_tokens)
        return server.reply(ask, Answer(text=text, end=end), reply_id=f"{self.number:024x}")

    def calling(self, tool: str) -> HttpReply:
        """Return a whole answer that calls a tool which nobody named."""
        server = self.dialect.server
        ask = server.read_ask(self.dialect.client.request(self._ask(), project="p", location="l"))
        call = ToolCall(id="call_1", name=tool, arguments='{"city":"Paris"}')
        end = End(stop="tool", prompt_tokens=7, output_tokens=2)
        return server.reply(ask, Answer(text="", end=end, calls=(call,)), reply_id=f"{self.number:024x}")

    def _ask(self) -> Ask:
        return Ask(model=self.model, prompt="hello", stream=False, turn="hello")


Mutation: TypeAlias = Callable[[Visit], Awaitable[HttpReply]]


async def faithful(visit: Visit) -> HttpReply:
    """Pass everything on as it is."""
    return await visit.reply()


@dataclass
class Proxy:
    """Stands before one endpoint and passes on what its mutation makes of the replies."""

    dialect: Dialect
    target: str
    session: aiohttp.ClientSession
    mutation: Mutation = faithful
    url: str = ""
    ignores_expect: bool = False
    seen: int = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        self.seen += 1
        if request.headers.get("expect") and not self.ignores_expect:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        headers = {name.lower(): value for name, value in request.headers.items()}
        path, _, query = request.raw_path.partition("?")
        taken = HttpRequest(method=request.method, path=path, query=query, headers=headers, body=await request.read())
        visit = Visit(taken, self.dialect, FORMS[self.dialect.name].model, self._forward, self.seen)
        try:
            reply = await self.mutation(visit)
        except Aborted as aborted:
            return await self._aborted(request, aborted.reply)
        response = web.Response(status=reply.status, headers=_end_to_end(reply.headers), body=reply.body)
        if visit.closes:
            response.force_close()
        return response

    async def _aborted(self, request: web.BaseRequest, reply: HttpReply | None) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status if reply else 200)
        if reply is not None:
            response.headers.update(_end_to_end(reply.headers))
            response.enable_chunked_encoding()
            await response.prepare(request)
            await response.write(reply.body[: len(reply.body) // 2])
        if request.transport is not None:
            request.transport.close()
        return response

    async def _forward(self, request: HttpRequest) -> HttpReply:
        url = URL(self.target + request.path + (f"?{request.query}" if request.query else ""), encoded=True)
        # The Host header stays as the client signed it.
        sent = {name: value for name, value in request.headers.items() if name not in {*_HOP_BY_HOP, "expect"}}
        async with self.session.request(
            request.method, url, headers=sent, data=request.body or None, allow_redirects=False
        ) as reply:
            return HttpReply(status=reply.status, headers=dict(reply.headers), body=await reply.read())


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


@dataclass
class Endpoints:
    """The running cloud, the proxies before it, and how to run checks against either."""

    cloud: Cloud
    loop: asyncio.AbstractEventLoop
    proxies: dict[str, Proxy]
    requests: list[str] = field(default_factory=list)

    def credentials(self, dialect: str) -> Credentials:
        """Return what a caller of a dialect's endpoint is given."""
        region = region_of(dialect)
        its = self.cloud.identity.credentials(dialect)
        return Credentials(**its, region=region, project=self.cloud.identity.project, location=region)

    def subject(self, dialect: str, url: str = "", *, credentials: Credentials | None = None) -> Subject:
        """Return a dialect's endpoint, or the proxy before it, as the conformance run knows it."""
        host, port = self.cloud.addresses[dialect]
        address = Address(url or f"http://{host}:{port}")
        form, spoken = FORMS[dialect], DIALECTS[dialect]
        its = credentials or self.credentials(dialect)
        prover = Prover(spoken, its, address.host_header)
        return Subject(address=address, dialect=spoken, form=form, model=form.model, prover=prover)


class Silent:
    """Listens to nothing."""

    def started(self, check: Check) -> None:
        """Take no note."""

    def ended(self, finding: Finding) -> None:
        """Take no note."""


def checked(subject: Subject, only: Sequence[str] = (), *, within_s: float = 8.0) -> list[Finding]:
    """Return what the checks of these names (all, where none is named) find."""
    runner = Runner(subject, Redactor(subject.credentials.secrets()), jobs=4, within_s=within_s)
    chosen = selected(checks_for(subject.dialect), only, subject.dialect.name)
    return asyncio.run(runner.run(chosen, Silent()))


async def serve(folder: Path, ready: Future[Endpoints], stop: threading.Event) -> None:
    """Raise the cloud and the proxies, hand them over, and keep them up until told to stop."""
    try:
        await _serve(folder, ready, stop)
    except Exception as error:
        if ready.done():
            raise
        ready.set_exception(error)


async def _serve(folder: Path, ready: Future[Endpoints], stop: threading.Event) -> None:
    mint = CanaryMint(run_key(SEED), ["acme"])
    cloud = Cloud(
        TOPOLOGY, seed=SEED, test="t", clock=LoopClock(), mint=mint, record=lambda _record: None, folder=folder
    )
    await cloud.start()
    loop = asyncio.get_running_loop()
    servers: list[tuple[asyncio.Server, web.Server]] = []
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=30)) as session:
        proxies = {}
        for name, (host, port) in cloud.addresses.items():
            proxy = Proxy(DIALECTS[name], f"http://{host}:{port}", session)
            server = web.Server(proxy.handle, access_log=None, auto_decompress=False)
            listener = await loop.create_server(server, "127.0.0.1", 0)
            proxy.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            proxies[name] = proxy
            servers.append((listener, server))
        ready.set_result(Endpoints(cloud, loop, proxies))
        await asyncio.to_thread(stop.wait)
        for listener, server in servers:
            listener.close()
            await server.shutdown(1.0)
    await cloud.close()
