"""Emulated endpoints with capacity behind them, on any loop: what their callers see on the wire."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from brownout.canary import CanaryMint, run_key
from brownout.capacity import Behind, Limits
from brownout.clock import LoopClock
from brownout.evidence import ProviderRecord
from brownout.topology import Endpoint, Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import Answer, Ask, End, Event, HttpReply, Refusal, Token
from fixtures.providers.cloud import Cloud
from fixtures.providers.endpoint import EmulatedEndpoint
from fixtures.router.upstream import Upstream, settings_of

_PLACES = {
    "openai-chat": ("own", "us-dc1", "llama"),
    "bedrock-converse": ("aws", "us-east-1", "anthropic.claude-sonnet-4-20250514-v1:0"),
    "bedrock-invoke": ("aws", "us-east-1", "anthropic.claude-sonnet-4-20250514-v1:0"),
    "sagemaker-invoke": ("aws", "us-east-1", "llama"),
    "vertex-rawpredict": ("gcp", "us-east5", "claude-sonnet-4@20250514"),
    "vertex-generate": ("gcp", "us-central1", "gemini-2.0-flash-001"),
    "anthropic-messages": ("own", "us", "claude-sonnet-4-20250514"),
}
_WITHIN_S = 10.0


@dataclass
class Seen:
    """What a caller saw of one reply: bytes as they came, events and their instants, and what ended it."""

    asked_s: float
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: list[tuple[float, Event]] = field(default_factory=list)
    refusal: Refusal | None = None
    broken: aiohttp.ClientError | None = None
    ended_s: float = 0.0

    @property
    def tokens(self) -> list[str]:
        """The texts of its tokens."""
        return [event.text for _, event in self.events if isinstance(event, Token)]

    @property
    def tokens_s(self) -> list[float]:
        """When each of its tokens came, from when it was asked for."""
        return [at_s - self.asked_s for at_s, event in self.events if isinstance(event, Token)]

    @property
    def end(self) -> End | None:
        """Its terminator."""
        return next((event for _, event in self.events if isinstance(event, End)), None)

    @property
    def whole(self) -> bool:
        """Whether it has its terminator and nothing went wrong."""
        return self.end is not None and self.refusal is None and self.broken is None

    @property
    def refused_connection(self) -> bool:
        """Whether nobody listened."""
        return isinstance(self.broken, aiohttp.ClientConnectorError)


def endpoint(name: str, dialect: str, behind: Behind = None, limits: Limits | None = None) -> Endpoint:
    """Return an endpoint with so much behind it."""
    cloud, region, model = _PLACES[dialect]
    return Endpoint(
        name=name,
        cloud=cloud,
        provider="p",
        region=region,
        capacity="gpu",
        dialect=dialect,
        model=model,
        limits=limits or Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0),
        behind=behind,
    )


@dataclass
class Live:
    """A cloud that is up, its evidence, and a caller.

    Attributes:
        credentials: those that the caller uses in place of the ones it was given, by endpoint.
    """

    cloud: Cloud
    session: aiohttp.ClientSession
    records: list[ProviderRecord]
    clock: LoopClock
    topology: Topology
    addresses: dict[str, tuple[str, int]]
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)
    _held: dict[str, Upstream] = field(default_factory=dict)

    def shell(self, name: str = "") -> EmulatedEndpoint:
        """Return an endpoint; the only one, where there is one."""
        return self.cloud.endpoints[name or self.topology.names[0]]

    def capacity(self, name: str = "") -> Any:
        """Return what stands behind an endpoint."""
        return self.shell(name).capacity

    def hold(self, name: str) -> None:
        """Keep the tokens that this endpoint is called with, from now on, until they end or are dropped."""
        self._held[name] = self._upstream(self.shell(name).endpoint)

    def drop(self, name: str) -> None:
        """Begin with new tokens, and with the credentials that were given."""
        self._held.pop(name, None)
        self.credentials.pop(name, None)

    async def ask(self, name: str = "", **changes: Any) -> Seen:
        """Ask as a careful client would; tell what was seen."""
        shell = self.shell(name)
        one = shell.endpoint
        asked = Ask(**({"model": one.model, "prompt": "word " * 400, "max_tokens": 8} | changes))
        client = shell.surface.own.client
        request = client.request(asked, project=self.cloud.identity.project, location=one.region)
        seen = Seen(asked_s=self.clock.now_s())
        reader = client.reader()
        try:
            async with self._upstream(one)._send(request) as reply:
                seen.status, seen.headers = reply.status, dict(reply.headers)
                async for data in reply.content.iter_any():
                    seen.body += data
                    if reply.status == 200 and asked.stream:
                        seen.events += [(self.clock.now_s(), event) for event in reader.feed(data)]
                whole = HttpReply(status=reply.status, headers=seen.headers, body=seen.body)
                if reply.status != 200:
                    seen.refusal = client.refusal(whole)
                elif not asked.stream:
                    seen.events = [(self.clock.now_s(), event) for event in _parts(client.answer(whole))]
        except Refusal as refusal:
            seen.refusal = refusal
        except aiohttp.ClientError as error:
            seen.broken = error
        seen.ended_s = self.clock.now_s()
        return seen

    async def until(self, condition: Callable[[], bool], *, within_s: float = _WITHIN_S) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - what is awaited tells nobody
                await asyncio.sleep(0.005)

    def _upstream(self, one: Endpoint) -> Upstream:
        if one.name in self._held:
            return self._held[one.name]
        host, port = self.addresses[one.name]
        credentials = self.credentials.get(one.name) or self.cloud.identity.credentials(one.name)
        settings = settings_of(one, f"http://{host}:{port}", credentials)
        return Upstream(settings, self.session, self.clock)


def _parts(answer: Answer) -> list[Event]:
    return [Token(answer.text), *([answer.end] if answer.end else [])]


Scenario = Callable[[Live], Coroutine[Any, Any, None]]
Run = Callable[..., None]
"""`virtually` or `really`."""


async def _raise(scenario: Scenario, folder: Path, endpoints: tuple[Endpoint, ...], connector: Any) -> None:
    topology = Topology(topology="t", endpoints=list(endpoints), tenants={"acme": Tenant(allow=[endpoints[0].name])})
    mint = CanaryMint(run_key(3), ["acme"])
    records: list[ProviderRecord] = []
    clock = LoopClock()
    cloud = Cloud(topology, seed=3, test="t", clock=clock, mint=mint, record=records.append, folder=folder)
    await cloud.start()
    try:
        async with aiohttp.ClientSession(connector=connector(limit=0)) as session:
            await scenario(Live(cloud, session, records, clock, topology, cloud.addresses))
    finally:
        await cloud.close()


def virtually(scenario: Scenario, folder: Path, *endpoints: Endpoint) -> None:
    """Run a scenario in virtual time, where instants are exact."""
    run_virtual(_raise(scenario, folder, endpoints, VirtualConnector))


def really(scenario: Scenario, folder: Path, *endpoints: Endpoint) -> None:
    """Run a scenario over real sockets, on the loop that clouds run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(_raise(scenario, folder, endpoints, aiohttp.TCPConnector), 3 * _WITHIN_S))
