"""Other bytes on the wire: a 200 before anything has come, comments, several tokens a chunk, a connection a request."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import web

from brownout.wire import Ask, End, Event, Refusal, Token
from fixtures.router.errors import told
from suites.selftest.sound.base import Sound
from suites.selftest.sound.tripped import Tripped

_PATIENCE_S = 0.5  # after so long a stream begins without a token, so that no proxy before it gives up
_AT_ONCE = 3  # tokens in a chunk
_encode = msgspec.json.encode


class _Buffered(Tripped):
    whole_s = 4.0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, the last on its connection."""
        request.protocol.keep_alive(False)  # noqa: FBT003 - as aiohttp has it
        return await super().handle(request)

    def stream_headers(self, ask: Ask, reply_id: str) -> Mapping[str, str]:
        """Return more headers than anybody needs."""
        del ask
        return {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "Connection": "close",
            "X-Accel-Buffering": "no",
            "X-Gateway-Request-Id": reply_id,
            "X-Ratelimit-Remaining-Requests": "999",
        }

    async def frames(self, ask: Ask, events: AsyncIterator[Event], reply_id: str) -> AsyncGenerator[bytes, None]:
        """Yield a stream: comments while nothing comes, who speaks, the text in pieces, why it ended, what it cost."""
        first = asyncio.ensure_future(anext(events))
        begun = False
        try:
            while not (await asyncio.wait([first], timeout=_PATIENCE_S))[0]:
                begun = True
                yield b": still waiting\n\n"
            chunks = _Chunks(ask, reply_id)
            event = first.result()
            begun = True
            yield b": gateway\n\n" + chunks.delta({"role": "assistant"}) + chunks.delta({"content": ""})
            yield chunks.event(event)
            async for event in events:
                if frame := chunks.event(event):
                    yield frame
        except Refusal as refusal:
            if not begun:
                raise
            yield b"data: " + _encode({"error": _said(told(refusal))}) + b"\n\n"
            raise
        finally:
            first.cancel()
            with suppress(asyncio.CancelledError, Refusal):
                await first  # nobody may close the events while it reads them


class _Chunks:
    """One stream's chunks."""

    def __init__(self, ask: Ask, reply_id: str) -> None:
        self._head = {"id": reply_id, "object": "chat.completion.chunk", "created": 1, "model": ask.model}
        self._held: list[str] = []
        self._begun = False

    def delta(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + _encode({**self._head, "choices": [choice]}) + b"\n\n"

    def event(self, event: Event) -> bytes:
        """Return what an event makes due: the first token at once, the others by threes."""
        if isinstance(event, Token):
            self._held.append(event.text)
            if self._begun and len(self._held) < _AT_ONCE:
                return b""
            self._begun = True
            return self._flushed()
        if not isinstance(event, End):
            return b""  # no caller of this gateway offers tools
        finish = {"length": "length", "filtered": "content_filter"}.get(event.stop, "stop")
        usage = {
            "prompt_tokens": event.prompt_tokens,
            "completion_tokens": event.output_tokens,
            "total_tokens": event.prompt_tokens + event.output_tokens,
        }
        ending = self._flushed() + self.delta({}, finish)
        return ending + b"data: " + _encode({**self._head, "choices": [], "usage": usage}) + b"\n\ndata: [DONE]\n\n"

    def _flushed(self) -> bytes:
        text, self._held = "".join(self._held), []
        return self.delta({"content": text}) if text else b""


def _said(refusal: Refusal) -> dict[str, Any]:
    """Return an error as a stream tells it that has begun: the status is in it."""
    status = {"throttled": 429, "timeout": 504, "invalid": 400, "too-large": 413, "denied": 403}.get(refusal.kind, 503)
    return {"message": refusal.message or refusal.kind, "type": refusal.kind, "code": status}


BUFFERED = Sound(
    name="buffered",
    about="another writer: comments before the first token, threes of tokens, whole answers asked for as such",
    make=_Buffered,
    shown_by=("outage-everywhere-silent",),
)
