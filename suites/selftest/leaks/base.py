"""What leaks have in common: a router that does one thing too many with what it was asked."""

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar, Literal

import aiohttp

from brownout.clock import Clock
from brownout.egress import Layer
from brownout.wire import Ask, Event, Refusal, Token
from fixtures.router.server import Router
from fixtures.router.world_file import WorldFile
from suites.selftest.planted.base import Make, Planted

_WITHIN = aiohttp.ClientTimeout(total=2.0)


class Leaky(Router):
    """The reference router, with hooks around every request.

    Attributes:
        every: one request in so many is leaked: data that leaves seldom has left.
    """

    every: ClassVar[int] = 3

    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self.world = world
        self.tenants: dict[str, str] = {}
        self._count = 0

    async def before(self, ask: Ask, tenant: str) -> None:
        """A request has come."""

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        """It was answered whole."""

    async def broken(self, ask: Ask, tenant: str, text: str) -> None:
        """It was not; the text is as far as the answer came."""

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        """Yield what the reference router would, with the hooks around it."""
        self._count += 1
        leaks = self._count % self.every == 0
        self.tenants[ask.prompt] = tenant
        said: list[str] = []
        if leaks:
            await self.before(ask, tenant)
        try:
            async with contextlib.aclosing(super().route(ask, tenant, traffic_class)) as events:
                async for event in events:
                    if isinstance(event, Token):
                        said.append(event.text)
                    yield event
        except Refusal:
            await self.broken(ask, tenant, "".join(said))
            raise
        else:
            if leaks:
                await self.answered(ask, tenant, "".join(said))
        finally:
            self.tenants.pop(ask.prompt, None)

    def abroad(self, tenant: str) -> str:
        """Return the URL of the first endpoint that the tenant may not use."""
        allowed = self.world.tenants[tenant].allow
        return next(one.url for one in self.world.endpoints if one.name not in allowed)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send some bytes somewhere; whether anybody wants them does not matter."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(url, data=body, headers=headers, timeout=_WITHIN) as reply:
                await reply.read()


def leaking(router: type[Leaky]) -> Make:
    """Return the maker of a leaky router."""
    return lambda world, clock, connector: router(world, clock=clock, connector=connector)


def leak(
    name: str,
    about: str,
    make: Make,
    *,
    layer: Layer | Literal["twin"],
    caught_by: str,
    seen_in: str,
    also: frozenset[str] = frozenset(),
    why: str = "",
) -> Planted:
    """Return a leak as the selftest plays it. ``layer`` is the layer of evidence meant to see it.

    Whatever leaves, and is received anywhere, is another thing with another secret: any leak may break `interference`.
    """
    also |= {"interference"} - {caught_by}
    return Planted(
        name=name, about=about, make=make, caught_by=caught_by, seen_in=seen_in, also=also, why=why, layer=layer
    )
