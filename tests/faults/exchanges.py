"""Faults without a world: one made-up exchange, and one link before a healthy server."""

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

import faults  # noqa: F401 - registers every fault
from brownout.clock import rng_for
from brownout.fault import Fault, PlaneLink, ReplyFault
from brownout.wire import Ask, Cut, End, Event, Refusal, Token
from faults.network.embedded import EmbeddedPlane
from fixtures.grip import Grip, LinkUse

T = TypeVar("T")
WHOLE: list[Event] = [Token("a"), Token("b"), Token("c"), Token("d"), End(output_tokens=4)]


class FakeExchange:
    """One request, its waits and its firings counted; it waits in no time."""

    def __init__(
        self,
        rng: random.Random | None = None,  # noqa: TID251 - the type only
        *,
        stream: bool = True,
        memory: dict[str, Any] | None = None,
        said: list[Event] | None = None,
    ) -> None:
        self.endpoint = "e"
        self.ask = Ask(model="m", prompt="p", stream=stream)
        self.tenant: str | None = None
        self.rng = rng or rng_for(1, "exchange")
        self.memory = {} if memory is None else memory
        self.said = WHOLE if said is None else said
        self.for_s = 60.0
        self.utc = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.slept_s = 0.0
        self.firings = 0
        self.falsified = False
        self.acts = 0
        self.closed = False

    @property
    def on_for_s(self) -> float:
        """As long as was waited."""
        return self.slept_s

    async def sleep(self, duration_s: float) -> None:
        """Wait in no time."""
        self.slept_s += duration_s

    def fired(self, acts: int = 1, *, falsified: bool = False) -> None:
        """Count."""
        self.firings = 1
        self.falsified = self.falsified or falsified
        self.acts += acts

    async def reply(self) -> AsyncIterator[Event]:
        """Give the whole reply."""
        try:
            for event in self.said:
                yield event
        finally:
            self.closed = True


def through(fault: Fault, exchange: FakeExchange) -> tuple[list[Event], Exception | None]:
    """Return the events that came through, and how it broke, if it did."""
    assert isinstance(fault, ReplyFault)
    came: list[Event] = []

    async def run() -> Exception | None:
        try:
            async for event in fault.pipe(exchange, exchange.reply()):
                came.append(event)  # noqa: PERF401 - what came before it broke counts
        except (Refusal, Cut) as error:
            return error
        return None

    broke = asyncio.run(run())
    return came, broke


async def healthy_server() -> tuple[asyncio.AbstractServer, int]:
    """Return a healthy HTTP server and its port."""

    async def hello(_: web.BaseRequest) -> web.Response:
        return web.Response(text="hello")

    server = await asyncio.get_running_loop().create_server(web.Server(hello), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def linked(work: Callable[[PlaneLink, Grip], Awaitable[T]], *, share: float = 1.0) -> T:
    """Run with a link before a healthy server, and an injection's grip on it."""
    server, port = await healthy_server()
    plane = EmbeddedPlane(1)
    try:
        link = await plane.add("e", "127.0.0.1", port)
        return await work(link, Grip(LinkUse(link), "i", share))
    finally:
        await plane.close()
        server.close()
