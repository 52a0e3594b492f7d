"""throttling-bursts: the quota is gone, and back, and gone again."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from faults.throttling import Throttling


@fault(
    "throttling-bursts",
    Entry(
        family="throttling",
        colour="#d35400",
        sees="For some seconds every request is a 429, then for some seconds none is, again and again.",
        seen=(
            "every quota that is counted by a fixed window: it is spent early in a minute, and whole again at the next",
            "OpenAI, which enforces limits by the minute in parts of it (https://help.openai.com, article 5955604)",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ThrottlingBursts(Throttling):
    """Requests are turned away in bursts; it begins with one.

    Attributes:
        burst_s: how long every request is turned away, in seconds.
        pause_s: how long none is, in seconds.
        retry_after_s: when the provider says to come back, in seconds; null when it does not say.
        says: in which form; see ``throttling``.
    """

    burst_s: Annotated[float, msgspec.Meta(gt=0.0)] = 3.0
    pause_s: Annotated[float, msgspec.Meta(gt=0.0)] = 7.0

    def strikes(self, exchange: Exchange) -> bool:
        """Return whether this is a burst."""
        return exchange.on_for_s % (self.burst_s + self.pause_s) < self.burst_s
