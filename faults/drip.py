"""drip: replies come a few bytes at a time."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Link, fault
from faults._layers import NetworkOnly
from faults.network.dial import TELLABLE_S, met

_SURE = 0.8  # of what the delays add up to: a few of them may fall together


@fault(
    "drip",
    Entry(
        family="stream",
        colour="#bb8fce",
        sees="The bytes of every reply come in small pieces with pauses between, split within frames and within words.",
        seen=("congested mobile and satellite links; proxies that pass on what little they have read",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class Drip(NetworkOnly):
    """Replies are cut into small pieces, and a pause is made between the pieces.

    The pauses are between the pieces of what left the endpoint together: a frame of 300 bytes in pieces of 50 bytes
    takes five of them.

    Attributes:
        piece_bytes: how long a piece is, in bytes.
        delay_ms: the pause between two, in ms.
    """

    piece_bytes: Annotated[int, msgspec.Meta(ge=1)] = 16
    delay_ms: Annotated[float, msgspec.Meta(ge=0.0)] = 20.0

    async def inject(self, link: Link) -> None:
        """Slice what comes back."""
        delay_us = round(self.delay_ms * 1000)
        await link.add_toxic("slicer", {"average_size": self.piece_bytes, "size_variation": 0, "delay": delay_us})

    async def felt(self, link: Link) -> bool:
        """Dial: do the pieces of an answer come with the pauses between them?

        Pauses too short to be told from a busy machine's claim nothing, nor does an answer of one piece.
        """

        def dripped(length: int) -> float:
            return (-(-length // self.piece_bytes) - 1) * self.delay_ms / 1000 * _SURE

        within_s = 1.0 + dripped(_LONGEST_COMPLAINT)
        return await met(
            link,
            lambda one: one.last_s - one.first_s >= max(dripped(one.length), TELLABLE_S),
            within_s=min(within_s, _PATIENCE_S),
        )


_LONGEST_COMPLAINT = 400
_PATIENCE_S = 20.0
