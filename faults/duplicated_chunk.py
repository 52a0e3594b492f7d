"""duplicated-chunk: a part of a streamed reply comes twice."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import StreamWriter
from faults._frames import TokenFrames
from faults._layers import WireOnly


@fault(
    "duplicated-chunk",
    Entry(
        family="stream",
        colour="#76448a",
        sees="A chunk of a stream comes again: the text repeats itself, and the stream ends as if all were well.",
        seen=("whatever resends a part whose receipt it is not sure of: gateways, buffers, resumed streams",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class DuplicatedChunk(WireOnly):
    """One token's chunk is sent more than once.

    Every copy is whole and valid, so that only who knows what should come can tell. Replies that are not streamed, or
    end before, are as they should be.

    Attributes:
        after_tokens: how many tokens come once before.
        copies: how many more of the chunk come.
    """

    after_tokens: Annotated[int, msgspec.Meta(ge=1)] = 3
    copies: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1

    def writer(self, exchange: Exchange, writer: StreamWriter) -> StreamWriter:
        """Return an encoder that repeats itself."""
        return TokenFrames(
            exchange, writer, self.after_tokens, lambda frames: frames * (1 + self.copies), falsifies=True
        )
