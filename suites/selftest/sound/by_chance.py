"""Names all it does by chance, asks everybody whether they are well, and tells a collector and a log what it may."""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Ask, HttpRequest, Refusal
from fixtures.router.credentials import Proof
from fixtures.router.upstream import Upstream
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.gateway import Caller, Route
from suites.selftest.sound.tripped import Tripped

_EVERY_S, _WITHIN_S = 2.0, 2.0
_encode = msgspec.json.encode


class _Traced(Upstream):
    """Each request has a trace's id, another one each time."""

    @asynccontextmanager
    async def _send(self, request: HttpRequest, proof: Proof | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        trace = {"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}
        traced = msgspec.structs.replace(request, headers={**request.headers, **trace})
        async with super()._send(traced, proof) as reply:
            yield reply


class _ByChance(Tripped):
    """Its own questions hold a number and nobody's data, and go abroad as well; spans and log lines hold no words.

    A log line has a hash of the prompt under a key of this process's, so that who owns both can tell prompts that are
    alike. No collector is sent it: whatever depends on a tenant's words is that tenant's.
    """

    secretless = True
    upstream = _Traced

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._key = secrets.token_bytes(32)
        self._log = Path(world.scratch, "access.log") if world.scratch else None
        self._spans: dict[str, list[dict[str, str]]] = {url: [] for url in world.sinks.values()}
        self._tasks = [asyncio.ensure_future(self._watch(name)) for name in self.trips]
        self._tasks += [asyncio.ensure_future(self._export(url)) for url in self._spans]

    async def close(self) -> None:
        """Ask and tell no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()

    def reply_id(self) -> str:
        """Return a number that was drawn."""
        return secrets.token_hex(12)

    async def route(self, ask: Ask, caller: Caller) -> Route:
        """Yield what any chain would, and note that it was asked."""
        begun_s, outcome = self.clock.now_s(), "left"
        try:
            async with aclosing(super().route(ask, caller)) as events:
                async for event in events:
                    yield event
            outcome = "ok"
        except Refusal as refusal:
            outcome = refusal.kind
            raise
        finally:
            self._note(ask, caller, {"outcome": outcome, "took_s": f"{self.clock.now_s() - begun_s:.3f}"})

    def _note(self, ask: Ask, caller: Caller, how: dict[str, str]) -> None:
        span = {"span": secrets.token_hex(8), "tenant": caller.tenant, "class": caller.traffic_class, **how}
        for spans in self._spans.values():
            spans.append(span)
        if self._log:
            alike = hmac.digest(self._key, ask.prompt.encode(), "sha256").hex()
            with self._log.open("ab") as log:
                log.write(_encode({**span, "alike": alike}) + b"\n")

    async def _watch(self, endpoint: str) -> None:
        while True:
            question = f"Are you well? {secrets.token_hex(8)}"
            with suppress(Refusal, TimeoutError):
                async with asyncio.timeout(_WITHIN_S):
                    async for _ in self.asked(endpoint, Ask(model="", prompt=question, turn=question, max_tokens=4)):
                        pass
            await asyncio.sleep(_EVERY_S)

    async def _export(self, url: str) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            self._spans[url], spans = [], self._spans[url]
            with suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(_WITHIN_S), self.session.post(url, data=_encode(spans)) as reply:
                    await reply.read()


BY_CHANCE = Sound(
    name="by-chance",
    about="draws every id, asks all endpoints whether they are well, and exports spans without a word of any prompt",
    make=_ByChance,
    shown_by=("region-refused", "no-word-of-it"),
)
