"""Whole requests that go to a place outside their tenant's boundary."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Ask, Event, Refusal
from fixtures.router.errors import FINAL
from fixtures.router.policy import Policy
from fixtures.router.server import Router
from fixtures.router.shaping import Shaper
from fixtures.router.upstream import Upstream
from fixtures.router.world_file import WorldFile
from suites.selftest.leaks.base import Leaky, leak, leaking
from suites.selftest.planted.base import with_policy, with_shaper

_HEDGE_AFTER_S = 1.0


class _RetriesAnywhere(Policy):
    """Its list for a second attempt is everybody's."""

    def with_room(
        self, now_s: float, candidates: Sequence[str], tried: Collection[str], tenant: str, traffic_class: str
    ) -> list[str]:
        open_to = [*candidates, *(self.breakers if tried else ())]
        return super().with_room(now_s, list(dict.fromkeys(open_to)), tried, tenant, traffic_class)


class _SpillsAnywhere(Policy):
    """It prefers a foreign endpoint that is idle to one of its own that has said 429."""

    def candidates(self, tenant: str, traffic_class: str) -> list[str]:
        allowed = super().candidates(tenant, traffic_class)
        if any(self.breakers[name].state != "closed" for name in allowed):
            return [*allowed[1:], *(name for name in self.breakers if name not in allowed)]
        return allowed


class _HedgesAnywhere(Leaky):
    """Who waits long for a first token is asked for elsewhere as well: wherever there is room."""

    async def attempt(self, endpoint: str, ask: Ask) -> AsyncGenerator[Event, None]:
        hedge = asyncio.create_task(self._hedge(ask))
        try:
            async with aclosing(super().attempt(endpoint, ask)) as events:  # type: ignore[type-var]
                async for event in events:
                    hedge.cancel()
                    yield event
        finally:
            hedge.cancel()

    async def _hedge(self, ask: Ask) -> None:
        await asyncio.sleep(_HEDGE_AFTER_S)
        if tenant := self.tenants.get(ask.prompt):
            await self.post(self.abroad(tenant), ask.prompt.encode())


class _WiderOnRetry(Router):
    """A request that failed once is sent by the global inference profile: surely somebody has room."""

    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self._asked: Counter[str] = Counter()
        self._wider = {
            one.name: Upstream(
                msgspec.structs.replace(one, model=f"global.{one.model}"),
                self._session,
                clock,
                self.upstreams[one.name].credentials,
            )
            for one in world.endpoints
            if one.provider == "bedrock" and one.capacity == "on-demand"
        }

    def ask(self, endpoint: str, ask: Ask) -> AsyncIterator[Event]:
        self._asked[ask.prompt] += 1
        if self._asked[ask.prompt] > 1 and endpoint in self._wider:
            return self._wider[endpoint].events(ask)
        return super().ask(endpoint, ask)


class _SplitsAnywhere(Shaper):
    """An experiment's arms are everybody's."""

    def in_order(self, model: str, candidates: Sequence[str]) -> list[str]:
        experiment = self.shaping.experiment
        arms = experiment.shares if experiment and model == experiment.model else {}
        return super().in_order(model, list(dict.fromkeys([*candidates, *arms])))


class _ProbesWithPrompts(Leaky):
    """It asks every endpoint whether it is well, with the last request it had: something real to answer."""

    every = 12

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        del tenant, text
        for one in self.world.endpoints:
            await self.post(one.url, ask.prompt.encode())


class _ResumesAbroad(Leaky):
    """An answer that breaks off is gone on with at the next endpoint there is, which is told what was said so far."""

    async def broken(self, ask: Ask, tenant: str, text: str) -> None:
        if text:
            await self.post(self.abroad(tenant), f"{ask.prompt}\n{text}".encode())


class _RejectedAbroad(Leaky):
    """A prompt that is too long for a model, or filtered, is taken to one that reads more and minds less."""

    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        try:
            async with aclosing(super().route(ask, tenant, traffic_class)) as events:
                async for event in events:
                    yield event
        except Refusal as refusal:
            if refusal.kind in FINAL:
                await self.post(self.abroad(tenant), ask.prompt.encode())
            raise


RETRIES_ABROAD = leak(
    "retries-abroad",
    "sends a request that failed once to any endpoint there is",
    with_policy(_RetriesAnywhere),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="closed-when-ones-own-are-down",
)
SPILLS_ABROAD = leak(
    "spills-abroad",
    "spills over to whichever endpoint is idle",
    with_policy(_SpillsAnywhere),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="closed-when-ones-own-are-down",
)
HEDGES_ABROAD = leak(
    "hedges-abroad",
    "sends a second copy of a request that waits to any endpoint there is",
    leaking(_HedgesAnywhere),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-while-waiting",
)
WIDER_ON_RETRY = leak(
    "wider-on-retry",
    "retries by the global inference profile, which answers from any region",
    lambda world, clock, connector: _WiderOnRetry(world, clock=clock, connector=connector),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-while-failing-over",
)
SPLITS_ABROAD = leak(
    "splits-abroad",
    "sends every tenant's requests to an experiment's arms, whoever may use them",
    with_shaper(_SplitsAnywhere),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-when-split",
)
PROBES_WITH_PROMPTS = leak(
    "probes-with-prompts",
    "asks every endpoint for its health with the last tenant's prompt",
    leaking(_ProbesWithPrompts),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-while-flapping",
    also=frozenset(),
)
RESUMES_ABROAD = leak(
    "resumes-abroad",
    "goes on elsewhere with an answer that was cut, prompt and all; nothing leaves as long as no stream is cut",
    leaking(_ResumesAbroad),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-while-failing-over",
)
REJECTED_ABROAD = leak(
    "rejected-abroad",
    "asks elsewhere what a model has rejected; nothing leaves as long as no prompt is too long or filtered",
    leaking(_RejectedAbroad),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-when-rejected",
)
