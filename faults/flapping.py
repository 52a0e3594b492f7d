"""flapping: down and up, again and again."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from faults._refusing import Outage


@fault(
    "flapping",
    Entry(
        family="region",
        colour="#922b21",
        sees="Everything fails for some seconds and works for some, in turn: every recovery is taken back.",
        seen=(
            "Anthropic, 2026-03-16 to 19: eleven incidents in four days, 500 and 529 (https://status.anthropic.com)",
            (
                "AWS us-east-1, 2025-10-20: load balancers whose health checks flapped for hours "
                "(https://aws.amazon.com/message/101925)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class Flapping(Outage):
    """An endpoint is down for a part of every period; it begins down.

    Connections are accepted all the time. To have them refused, let ``region-down`` come again by its timing's
    ``repeat``.

    Attributes:
        period_s: how long down and up take together, in seconds.
        down_share: the part of it in which every request fails (ratio).
        refusal: how it fails: ``internal`` (500), ``unavailable`` (503) or ``overloaded`` (503 or 529).
    """

    period_s: Annotated[float, msgspec.Meta(gt=0.0)] = 10.0
    down_share: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.5

    def strikes(self, exchange: Exchange) -> bool:
        """Return whether it is down."""
        return exchange.on_for_s % self.period_s < self.period_s * self.down_share
