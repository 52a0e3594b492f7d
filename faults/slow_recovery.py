"""slow-recovery: an outage that ends for few requests first, and for all last."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.fault import Entry, Exchange, fault
from faults._refusing import Outage


@fault(
    "slow-recovery",
    Entry(
        family="region",
        colour="#cb4335",
        sees="At first every request fails, then fewer and fewer, until at the fault's end none does.",
        seen=(
            (
                "OpenAI, 2025-06-10: a quarter of API requests failed while GPU nodes were brought back one by one, "
                "from 02:00 to 15:00 PDT (https://status.openai.com)"
            ),
            (
                "Google Cloud us-central1, 2025-06-12: up to 2 h 40 min after the smaller regions "
                "(https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class SlowRecovery(Outage):
    """The part of the requests that fail falls from all to none, over the time the fault is on.

    Attributes:
        shape: ``linear``: all the time. ``steps``: at once, as often as ``steps`` says, by the same part each time.
        steps: how many parts come back one after the other (racks, shards, cells); for ``linear``, nothing.
        refusal: how the rest fails: ``internal`` (500), ``unavailable`` (503) or ``overloaded`` (503 or 529).
    """

    shape: Literal["linear", "steps"] = "linear"
    steps: Annotated[int, msgspec.Meta(ge=1)] = 4

    def failing(self, on_for_s: float, for_s: float) -> float:
        """Return the part of the requests that fail (ratio), so long after it came on."""
        gone = min(max(on_for_s / for_s, 0.0), 1.0)
        if self.shape == "steps":
            gone = math.floor(gone * self.steps) / self.steps
        return 1.0 - gone

    def strikes(self, exchange: Exchange) -> bool:
        """Draw whether this request is among them."""
        return exchange.rng.random() < self.failing(exchange.on_for_s, exchange.for_s)
