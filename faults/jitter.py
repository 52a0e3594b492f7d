"""jitter: the network is late, and never by the same."""

from dataclasses import dataclass
from typing import Annotated, Self

import msgspec

from brownout.fault import Entry, Link, fault
from faults._layers import NetworkOnly
from faults.network.dial import TELLABLE_S, met


@fault(
    "jitter",
    Entry(
        family="gray",
        colour="#fad7a0",
        sees="Whatever comes back is late by a delay that is another for every part: streams come in fits and starts.",
        seen=("overloaded or failing routes between regions and clouds; wireless links, every day",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class Jitter(NetworkOnly):
    """What comes back is late, by a varying delay. The order is kept.

    Attributes:
        delay_ms: how late on the average, in ms.
        jitter_ms: how much sooner or later than that, drawn evenly for every part, in ms; at most ``delay_ms``.
    """

    delay_ms: Annotated[float, msgspec.Meta(gt=0.0)] = 300.0
    jitter_ms: Annotated[float, msgspec.Meta(ge=0.0)] = 200.0

    def __post_init__(self) -> None:
        """Refuse delays that could be below nothing."""
        if self.jitter_ms > self.delay_ms:
            raise ValueError(
                f"jitter_ms must be at most delay_ms ({self.delay_ms:g}): nothing comes before it was sent"
            )

    async def inject(self, link: Link) -> None:
        """Delay what comes back."""
        await link.add_toxic("latency", {"latency": round(self.delay_ms), "jitter": round(self.jitter_ms)})

    async def felt(self, link: Link) -> bool:
        """Dial: is the answer as late as it must be, or at least half as late as it is on the average?

        A delay too short to be told from a busy machine's claims nothing.
        """
        least_s = max(self.delay_ms - self.jitter_ms, self.delay_ms / 2) / 1000 - 0.001
        if least_s < TELLABLE_S:
            return False
        within_s = (self.delay_ms + self.jitter_ms) / 1000 + 1.0
        return await met(link, lambda one: bool(one.length) and one.first_s >= least_s, within_s=within_s)

    def scaled(self, strength: float) -> Self:
        """Return a part of the delay."""
        return type(self)(delay_ms=self.delay_ms * strength, jitter_ms=self.jitter_ms * strength)
