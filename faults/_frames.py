"""What faults in the frames of a streamed reply share: a writer that meddles with those of some tokens."""

import re
from collections.abc import Callable
from random import Random  # noqa: TID251 - a type
from typing import Literal, TypeAlias

from brownout.dialects.eventstream import FrameDecoder, encode_frame, encode_headers
from brownout.fault import Exchange
from brownout.wire import Event, Refusal, StreamWriter, Token

Framing: TypeAlias = Literal["sse", "array", "eventstream"]

_SSE = re.compile(rb"(?:event|data):")
_LAST_DATA = re.compile(rb"(?P<head>.*data: ?)(?P<data>[^\r\n]*)(?P<end>[\r\n]*)", re.DOTALL)
_ELEMENT = re.compile(rb"(?P<head>[\r\n,]*)(?P<data>\{.*)(?P<end>)", re.DOTALL)


class TokenFrames:
    """Encodes as another writer does, but lets a fault change the frames of one token.

    Args:
        exchange: told when it happens.
        writer: the other.
        after_tokens: how many tokens stay as they are before.
        change: changes the frames of the token after these.
        falsifies: whether what is changed is in order all the same, so that nobody sees it.
    """

    def __init__(
        self,
        exchange: Exchange,
        writer: StreamWriter,
        after_tokens: int,
        change: Callable[[bytes], bytes],
        *,
        falsifies: bool = False,
    ) -> None:
        self._exchange, self._writer, self._change, self._falsifies = exchange, writer, change, falsifies
        self._left = after_tokens
        self.start = writer.start
        self.refusal = writer.refusal

    def event(self, event: Event) -> bytes:
        """Return the frames of an event."""
        frames = self._writer.event(event)
        if not isinstance(event, Token) or not frames:
            return frames  # without frames the token is still to come: another fault holds it back
        self._left -= 1
        if self._left != -1:
            return frames
        changed = self._change(frames)
        if changed != frames:
            self._exchange.fired(falsified=self._falsifies)
        return changed


class SwappedFrames:
    """Encodes as another writer does, but sends the frames of one token after those of the next.

    Args:
        exchange: told when it happens.
        writer: the other.
        after_tokens: how many tokens come in order before.
    """

    def __init__(self, exchange: Exchange, writer: StreamWriter, after_tokens: int) -> None:
        self._exchange, self._writer = exchange, writer
        self._left = after_tokens
        self._late = b""
        self.start = writer.start

    def event(self, event: Event) -> bytes:
        """Return the frames of an event, before those that are late or after them."""
        frames = self._writer.event(event)
        late, self._late = self._late, b""
        if not isinstance(event, Token) or not frames:
            return late + frames  # no next token comes, or not now: all is in order
        self._left -= 1
        if self._left == -1:
            self._late = frames
            return b""
        if late:
            self._exchange.fired(falsified=True)
        return frames + late

    def refusal(self, refusal: Refusal) -> bytes:
        """Return the frame of an error, after what is late."""
        late, self._late = self._late, b""
        return late + self._writer.refusal(refusal)


def framing(frames: bytes) -> Framing:
    """Return how frames are framed: as server-sent events, elements of a JSON array, or AWS's event stream."""
    if _SSE.match(frames):
        return "sse"
    return "array" if _ELEMENT.fullmatch(frames) else "eventstream"


def garbage(rng: Random, length: int) -> bytes:
    """Return bytes that are no text in any encoding of JSON, and hold no mark of any framing."""
    return bytes(rng.randrange(0xF8, 0x100) for _ in range(length))


def with_garbage(frames: bytes, rng: Random) -> bytes:
    """Return frames whose last one holds garbage in place of its data, or is garbage where it has a checksum."""
    if framing(frames) == "eventstream":
        return garbage(rng, len(frames))
    head, data, end = _parts(frames)
    return head + garbage(rng, len(data)) + end


def with_half_the_data(frames: bytes) -> bytes:
    """Return frames whose last one, otherwise in order, holds the first half of its data; broken ones as they are."""
    if framing(frames) != "eventstream":
        head, data, end = _parts(frames)
        return head + data[: len(data) // 2] + end
    try:
        found = FrameDecoder().feed(frames)
    except Refusal:
        found = []
    if not found:
        return frames
    *before, last = found
    kept = frames[: len(frames) - _length_of(frames, len(before))]
    return kept + encode_frame(encode_headers(last.headers), last.payload[: len(last.payload) // 2])


def with_bad_checksum(frames: bytes) -> bytes:
    """Return frames of AWS's event stream, the last of which has one byte flipped; others as they are."""
    if framing(frames) != "eventstream":
        return frames
    return frames[:-5] + bytes([frames[-5] ^ 0xFF]) + frames[-4:]


def _length_of(frames: bytes, number: int) -> int:
    """Return how long the last of the frames is, given how many come before it."""
    start = 0
    for _ in range(number):
        start += int.from_bytes(frames[start : start + 4], "big")
    return len(frames) - start


def _parts(frames: bytes) -> tuple[bytes, bytes, bytes]:
    found = (_LAST_DATA if framing(frames) == "sse" else _ELEMENT).fullmatch(frames)
    assert found is not None
    return found["head"], found["data"], found["end"]
