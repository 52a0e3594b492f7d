"""malformed-chunk: a part of a reply cannot be read."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.dialects import dialect_named
from brownout.fault import Entry, Exchange, fault
from brownout.topology import Endpoint
from brownout.wire import HttpReply, StreamWriter
from faults._frames import TokenFrames, garbage, with_bad_checksum, with_garbage, with_half_the_data
from faults._layers import WireOnly

_CHECKED = ("bedrock", "sagemaker")


@fault(
    "malformed-chunk",
    Entry(
        family="stream",
        colour="#5b2c6f",
        sees="A chunk in the middle of a reply of status 200 is no valid frame, or holds no valid JSON.",
        seen=("proxies that cut, buffer or recode what passes through them; servers that crash while they write",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class MalformedChunk(WireOnly):
    """One token's chunk is broken; those after it are in order again.

    Of a reply that is not streamed the body is broken, except by ``bad-crc``: it has no checksum.

    Attributes:
        after_tokens: how many tokens come in order before. Streams that end before are whole.
        how: ``garbage``: bytes that mean nothing stand where the chunk's data should, or the whole frame, where it has
            a checksum. ``truncated-json``: the chunk's JSON ends in its middle. ``bad-crc``: one byte is flipped, so
            that the checksum of AWS's event stream does not hold; it can be at such endpoints only.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=1)] = 3
    how: Literal["garbage", "truncated-json", "bad-crc"] = "truncated-json"

    def unfit(self, endpoint: Endpoint) -> str:
        """Only AWS's event stream has checksums."""
        if self.how != "bad-crc" or dialect_named(endpoint.dialect).host in _CHECKED:
            return ""
        return (
            f"{endpoint.dialect} has no checksum that could be wrong; use how: garbage or truncated-json there, or an "
            "endpoint of Bedrock or SageMaker."
        )

    def writer(self, exchange: Exchange, writer: StreamWriter) -> StreamWriter:
        """Return an encoder that breaks one chunk."""

        def broken(frames: bytes) -> bytes:
            if self.how == "garbage":
                return with_garbage(frames, exchange.rng)
            return with_bad_checksum(frames) if self.how == "bad-crc" else with_half_the_data(frames)

        return TokenFrames(exchange, writer, self.after_tokens, broken)

    def whole(self, exchange: Exchange, reply: HttpReply) -> HttpReply:
        """Break the body of an answer that is not streamed."""
        body = reply.body
        if self.how == "bad-crc" or reply.status != 200 or not body:
            return reply
        exchange.fired()
        broken = garbage(exchange.rng, len(body)) if self.how == "garbage" else body[: len(body) // 2]
        return msgspec.structs.replace(reply, body=broken)
