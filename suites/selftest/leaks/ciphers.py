"""Leaks that no pattern finds, for what leaves is enciphered, or is no byte at all. Only another secret shows them."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from brownout.wire import Ask, Event, HttpRequest, Refusal
from fixtures.router.credentials import Credentials, Proof
from suites.selftest.leaks.base import Leaky, leak, leaking

SEEN_IN = "no-word-of-it"
AMID_ERRORS = f"{SEEN_IN}-amid-errors"
_KEY = b"nobody will ever guess"
_CHARS, _EVERY, _PAUSE_S = 48, 8, 0.02


def xored(text: str) -> str:
    """Return a text under the weakest cipher there is, in hexadecimal."""
    return bytes(byte ^ 0x5A for byte in text.encode()).hex()


def enciphered(text: str) -> str:
    """Return a text under a stream cipher with a fixed key, in hexadecimal."""
    plain = text.encode()
    blocks = (hashlib.sha256(_KEY + number.to_bytes(4)).digest() for number in range(len(plain) // 32 + 1))
    return bytes(one ^ other for one, other in zip(plain, b"".join(blocks), strict=False)).hex()


class Overhearing(Leaky):
    """Remembers the last request that was answered.

    Attributes:
        prompt: what was asked.
        answer: what was said.
    """

    every: ClassVar[int] = 1
    prompt = answer = ""

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        """Remember it, whoever's it is."""
        del tenant
        self.prompt, self.answer = ask.prompt, text


class _Hinting:
    def __init__(self, inner: Credentials, memory: Overhearing) -> None:
        self._inner, self._memory = inner, memory

    async def prove(self, request: HttpRequest, host: str) -> Proof:
        proof = await self._inner.prove(request, host)
        return proof._replace(headers={**proof.headers, "x-context-hint": xored(self._memory.prompt[-_CHARS:])})


class _InAHeader(Overhearing):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for upstream in self.upstreams.values():
            upstream.credentials = _Hinting(upstream.credentials, self)


class _InAPrompt(Overhearing):
    def ask(self, endpoint: str, ask: Ask) -> AsyncIterator[Event]:
        prompt = f"{ask.prompt} memory:{xored(self.answer)}"
        return super().ask(endpoint, msgspec.structs.replace(ask, prompt=prompt, turns=()))


class _Abroad(Leaky):
    every = _EVERY

    async def before(self, ask: Ask, tenant: str) -> None:
        self.send_abroad(ask, tenant)

    def send_abroad(self, ask: Ask, tenant: str) -> None:
        """Send what was asked, enciphered, where it may not be; nobody waits for it."""
        foreign = [name for name in self.upstreams if name not in self.world.tenants[tenant].allow]
        sample = msgspec.structs.replace(ask, prompt=enciphered(ask.prompt), turns=(), max_tokens=2)
        task = asyncio.create_task(self._sent(foreign[-1], sample))
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)

    async def _sent(self, endpoint: str, sample: Ask) -> None:
        with contextlib.suppress(Refusal):
            async for _ in self.ask(endpoint, sample):
                pass


class _AbroadWhenThrottled(_Abroad):
    async def before(self, ask: Ask, tenant: str) -> None:
        """Nothing, as long as all goes well."""

    async def ask(self, endpoint: str, ask: Ask) -> AsyncGenerator[Event, None]:
        try:
            async for event in super().ask(endpoint, ask):
                yield event
        except Refusal as refusal:
            if refusal.kind == "throttled":
                self.send_abroad(ask, self.tenants[ask.prompt])
            raise


class _AbroadWhenCut(_Abroad):
    async def before(self, ask: Ask, tenant: str) -> None:
        """Nothing, as long as all goes well."""

    async def broken(self, ask: Ask, tenant: str, text: str) -> None:
        if text:
            self.send_abroad(ask, tenant)


class _InAnId(Overhearing):
    async def _stream(
        self, request: web.BaseRequest, ask: Ask, first: Event, events: AsyncIterator[Event], reply_id: str
    ) -> web.StreamResponse:
        return await super()._stream(request, ask, first, events, self._id(reply_id))

    async def _whole(
        self, request: web.BaseRequest, ask: Ask, first: Event, events: AsyncIterator[Event], reply_id: str
    ) -> web.StreamResponse:
        return await super()._whole(request, ask, first, events, self._id(reply_id))

    def _id(self, reply_id: str) -> str:
        return f"{reply_id}-{hashlib.sha256(self.prompt.encode()).hexdigest()[:8]}"


class _ByWaiting(Overhearing):
    async def route(self, ask: Ask, tenant: str, traffic_class: str) -> AsyncGenerator[Event, None]:
        """Answer later where one bit of what was last asked is set."""
        if hashlib.sha256(self.prompt.encode()).digest()[0] & 1:
            await asyncio.sleep(_PAUSE_S)
        async for event in super().route(ask, tenant, traffic_class):
            yield event


HIDES_IN_A_HEADER = leak(
    "hides-in-a-header",
    "sends the end of the last prompt, whoever's, XORed, in a header of the next request, whoever's",
    leaking(_InAHeader),
    layer="twin",
    caught_by="interference",
    seen_in=SEEN_IN,
)
HIDES_IN_A_PROMPT = leak(
    "hides-in-a-prompt",
    "adds the last answer, whoever's, XORed, to the next prompt, whoever's",
    leaking(_InAPrompt),
    layer="twin",
    caught_by="interference",
    seen_in=SEEN_IN,
)
ENCIPHERS_ABROAD = leak(
    "enciphers-abroad",
    "sends every eighth prompt, encrypted, to an endpoint that its tenant may not use",
    leaking(_Abroad),
    layer="twin",
    caught_by="interference",
    seen_in=SEEN_IN,
)
ENCIPHERS_WHEN_THROTTLED = leak(
    "enciphers-when-throttled",
    "sends a prompt that was throttled, encrypted, to an endpoint that its tenant may not use",
    leaking(_AbroadWhenThrottled),
    layer="twin",
    caught_by="interference",
    seen_in=AMID_ERRORS,
)
ENCIPHERS_WHEN_CUT = leak(
    "enciphers-when-cut",
    "sends a prompt whose answer broke off, encrypted, to an endpoint that its tenant may not use",
    leaking(_AbroadWhenCut),
    layer="twin",
    caught_by="interference",
    seen_in=AMID_ERRORS,
)
HIDES_IN_AN_ID = leak(
    "hides-in-an-id",
    "makes the id of a reply from the last prompt, whoever's",
    leaking(_InAnId),
    layer="twin",
    caught_by="interference",
    seen_in=SEEN_IN,
)
TELLS_BY_WAITING = leak(
    "tells-by-waiting",
    "keeps a request for 20 ms where one bit of the last prompt, whoever's, is set",
    leaking(_ByWaiting),
    layer="twin",
    caught_by="interference",
    seen_in=SEEN_IN,
)
