"""Asks every endpoint itself, each second, whether it is well; who is out comes back on that alone."""

import asyncio
from collections.abc import Sequence

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, Refusal
from fixtures.router.errors import FULL
from fixtures.router.world_file import WorldFile
from suites.selftest.sound.base import Sound
from suites.selftest.sound.chain import Chain
from suites.selftest.sound.gateway import Caller

_EVERY_S, _WITHIN_S = 1.0, 2.0
_DOWN_AFTER, _UP_AFTER = 2, 2
_PING = Ask(model="", prompt="ping", turn="ping", max_tokens=6)


class _Probing(Chain):
    """Its own question holds nobody's data. A request that fails counts as one of them, and goes on to the next."""

    attempts_max = 5

    def __init__(self, world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock, connector)
        self._up = {one.name: True for one in self.endpoints}
        self._against = dict.fromkeys(self._up, 0)
        self._probes = [asyncio.ensure_future(self._watch(name)) for name in self._up]

    async def close(self) -> None:
        """Ask no more."""
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)
        await super().close()

    def next(self, ask: Ask, caller: Caller, tried: Sequence[str]) -> str | None:
        """Return the first that is up."""
        del ask
        return next((name for name in self.allowed(caller) if self._up[name] and name not in tried), None)

    async def _watch(self, endpoint: str) -> None:
        while True:
            self._note(endpoint, up=await self._answers(endpoint))
            await asyncio.sleep(_EVERY_S)

    def went(self, endpoint: str) -> None:
        """Return nothing to who is out: only the probes do."""
        if self._up[endpoint]:
            self._note(endpoint, up=True)

    def failed(self, endpoint: str, refusal: Refusal, *, begun: bool) -> None:
        """Hold it against who is up; who is full is well."""
        if self._up[endpoint] and (begun or refusal.kind not in FULL):
            self._note(endpoint, up=False)

    def _note(self, endpoint: str, *, up: bool) -> None:
        self._against[endpoint] = 0 if up is self._up[endpoint] else self._against[endpoint] + 1
        if self._against[endpoint] >= (_DOWN_AFTER if self._up[endpoint] else _UP_AFTER):
            self._up[endpoint], self._against[endpoint] = up, 0

    async def _answers(self, endpoint: str) -> bool:
        try:
            async with asyncio.timeout(_WITHIN_S):
                async for _ in self.asked(endpoint, _PING):
                    pass
        except (Refusal, TimeoutError) as error:
            return isinstance(error, Refusal) and error.kind in FULL
        return True


PROBING = Sound(
    name="probing",
    about="asks each endpoint a question of its own every second, and lets nobody back but on that",
    make=_Probing,
    shown_by=("told-of-an-outage",),
)
