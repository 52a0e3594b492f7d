"""What good routers of other designs have in common: a front, ways to endpoints, bounds on waiting. No decision.

Who may be asked, in which order, how often and after what is each design's own (`Gateway.route`).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

import aiohttp
import msgspec
from aiohttp import web

from brownout.clock import Clock
from brownout.dialects import dialect_named
from brownout.wire import Ask, End, Event, HttpReply, Refusal, gathered
from fixtures.router.credentials import Workload, given
from fixtures.router.errors import told
from fixtures.router.front import CLASS_HEADER, TENANT_HEADER, answered, as_request, as_response
from fixtures.router.tally import Tally
from fixtures.router.upstream import Upstream
from fixtures.router.world_file import WorldFile

Route = AsyncGenerator[Event, None]


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the headers say."""

    tenant: str
    traffic_class: str


class Gateway:
    """The front of a router; a subclass decides.

    Args:
        world: endpoints and tenants.
        clock: the caller's.
        connector: the way onto the network.

    Attributes:
        first_token_s: how long an endpoint may take to begin.
        stall_s: how long it may pause between tokens.
        whole_s: how long a whole answer may take, where clients' wish for one is passed on; None: endpoints are always
            asked for a stream.
        secretless: whether it gets its credentials for what it is; else it uses those that it was given.
        bought_for_all: whether background work may use purchased capacity, too.
        upstream: what its ways to endpoints are made of.
    """

    first_token_s = 2.0
    stall_s = 2.0
    whole_s: float | None = None
    secretless = False
    bought_for_all = False
    upstream: type[Upstream] = Upstream

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        self.clock = clock
        self.session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        self.endpoints = sorted(world.endpoints, key=lambda one: one.order)
        self.tally = Tally()
        self._workload = Workload(world.services, self.session, clock)
        self._allow = {name: frozenset(tenant.allow) for name, tenant in world.tenants.items()}
        self._upstreams = {
            one.name: self.upstream(
                one,
                self.session,
                clock,
                self._workload.of(one) if self.secretless else given(one, self.session, clock),
            )
            for one in self.endpoints
        }
        self._dialect = dialect_named("openai-chat")
        self._replies = 0

    async def close(self) -> None:
        """Close what is open."""
        await self._workload.close()
        await self.session.close()

    def route(self, ask: Ask, caller: Caller) -> Route:
        """Return the events of an answer; raises `Refusal`, before the first of them or after."""
        raise NotImplementedError

    def allowed(self, caller: Caller) -> list[str]:
        """Return the endpoints that a caller may use, as the world orders them.

        Raises:
            Refusal: ``denied`` for an unknown tenant.
        """
        if caller.tenant not in self._allow:
            raise Refusal("denied", f"tenant {caller.tenant!r} is not known here")
        spared = caller.traffic_class == "background" and not self.bought_for_all
        return [
            one.name
            for one in self.endpoints
            if one.name in self._allow[caller.tenant] and not (spared and one.capacity == "provisioned")
        ]

    async def asked(self, endpoint: str, ask: Ask) -> Route:
        """Yield what one endpoint answers, within the waits, and count the attempt.

        Raises:
            Refusal: the endpoint's, or ``timeout`` where it was silent for too long.
        """
        whole = not ask.stream and self.whole_s is not None
        wait_s, outcome, tokens = (self.whole_s if whole else self.first_token_s), "abandoned", 0
        events = self._upstreams[endpoint].events(ask if whole else msgspec.structs.replace(ask, stream=True))
        try:
            async with aclosing(events):  # type: ignore[type-var]
                while True:
                    async with asyncio.timeout(wait_s):
                        event = await anext(events)
                    wait_s = self.stall_s
                    tokens += not isinstance(event, End)
                    if isinstance(event, End):
                        outcome = "ok"
                    yield event
                    if isinstance(event, End):
                        return
        except TimeoutError:
            outcome = "timeout"
            raise Refusal("timeout", f"{endpoint} was silent") from None
        except Refusal as refusal:
            outcome = refusal.kind
            raise
        finally:
            self.tally.attempt(endpoint, outcome)
            self.tally.tokens(endpoint, tokens, streamed=ask.stream)

    # --- the front ------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        if request.path == "/healthz":
            return web.Response(text="ok\n")
        if request.path == "/metrics":
            return web.Response(text=self.metrics())
        reply_id = self.reply_id()
        return await answered(
            self._served(request, reply_id), self.tally, lambda refusal: self.refused(refusal, reply_id)
        )

    async def _served(self, request: web.BaseRequest, reply_id: str) -> web.StreamResponse:
        ask = self._dialect.server.read_ask(await as_request(request))
        caller = Caller(request.headers.get(TENANT_HEADER, ""), request.headers.get(CLASS_HEADER, ""))
        async with aclosing(self.route(ask, caller)) as events:
            if ask.stream:
                return await self._streamed(request, ask, events, reply_id)
            answer = gathered([event async for event in events])
        self.tally.request("ok")
        return as_response(self._dialect.server.reply(ask, answer, reply_id=reply_id))

    def reply_id(self) -> str:
        """Return what the next reply is called."""
        self._replies += 1
        return f"gw-{self._replies}"

    def metrics(self) -> str:
        """Return what it says of itself, in Prometheus's text format."""
        return self.tally.text()

    def refused(self, refusal: Refusal, reply_id: str) -> HttpReply:
        """Return a refusal as a client is to read it."""
        return self._dialect.server.refusal(told(refusal), reply_id=reply_id)

    async def frames(self, ask: Ask, events: AsyncIterator[Event], reply_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a stream's bytes."""
        writer = self._dialect.server.writer(ask, reply_id=reply_id)
        begun = False
        try:
            async for event in events:
                yield writer.event(event) if begun else writer.start() + writer.event(event)
                begun = True
        except Refusal as refusal:
            if not begun:
                raise
            yield writer.refusal(told(refusal))
            raise

    def stream_headers(self, ask: Ask, reply_id: str) -> Mapping[str, str]:
        """Return the headers of a streamed reply."""
        return self._dialect.server.stream_headers(ask, reply_id=reply_id)

    async def _streamed(
        self, request: web.BaseRequest, ask: Ask, events: AsyncIterator[Event], reply_id: str
    ) -> web.StreamResponse:
        async with aclosing(self.frames(ask, events, reply_id)) as frames:
            first = await anext(frames)  # a refusal before anything has come is a status of its own
            response = web.StreamResponse(headers=self.stream_headers(ask, reply_id))
            await response.prepare(request)
            await response.write(first)
            outcome, kind = "ok", ""
            try:
                async for frame in frames:
                    await response.write(frame)
            except Refusal as refusal:
                outcome, kind = "broken", refusal.kind
            await response.write_eof()
        self.tally.request(outcome, kind)
        return response
