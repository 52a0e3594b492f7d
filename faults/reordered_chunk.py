"""reordered-chunk: a part of a streamed reply overtakes the one before it."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import StreamWriter
from faults._frames import SwappedFrames
from faults._layers import WireOnly


@fault(
    "reordered-chunk",
    Entry(
        family="stream",
        colour="#6c3483",
        sees="Two chunks of a streamed reply come in the wrong order: the text is scrambled, and nothing says so.",
        seen=("gateways that hand the chunks of one reply to several workers, and write what is ready first",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ReorderedChunk(WireOnly):
    """One token's chunk is sent after the next token's.

    Both are whole and valid. Replies that are not streamed, or end before, are as they should be.

    Attributes:
        after_tokens: how many tokens come in order before.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=1)] = 3

    def writer(self, exchange: Exchange, writer: StreamWriter) -> StreamWriter:
        """Return an encoder that holds one chunk back."""
        return SwappedFrames(exchange, writer, self.after_tokens)
