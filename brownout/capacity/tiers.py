"""Service tiers: who is served first, and faster, when capacity is short.

Priority goes before the default tier, and that before flex; all three share one quota (AWS: "Service tiers for
optimizing performance and cost"). Reserved capacity has quotas of its own, and overflows to the default tier.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one tier differs from the default.

    Attributes:
        slower: multiplies the time to the first token and between tokens (ratio).
        ahead: by how much emptier the shared pool looks to it (ratio of the pool); negative for fuller.
    """

    slower: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    ahead: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.0


PRIORITY = Tier(slower=0.8, ahead=0.2)
"""AWS: up to 25 % more output tokens per second than the standard tier."""
FLEX = Tier(slower=2.0, ahead=-0.2)
"""AWS and Google say only that it may take longer and is refused more: both figures are assumed."""


class Reserved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capacity bought beforehand on Bedrock, with its smallest sizes (AWS: "Service tiers"), which are the defaults."""

    input_tokens_per_minute: Annotated[int, msgspec.Meta(ge=100_000)] = 100_000
    output_tokens_per_minute: Annotated[int, msgspec.Meta(ge=10_000)] = 10_000


class Tiers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tiers are offered besides the default; who asks for another is served by the default."""

    priority: Tier | None = None
    flex: Tier | None = None
    reserved: Reserved | None = None

    def __post_init__(self) -> None:
        """Refuse an order of tiers that no provider has."""
        if self.priority is not None and self.priority.ahead < 0:
            raise ValueError("priority.ahead is negative; the priority tier never stands behind the default")
        if self.flex is not None and self.flex.ahead > 0:
            raise ValueError("flex.ahead is positive; the flex tier never stands before the default")


_NONE = Tiers()
_SYNONYMS = {"fast": "priority"}
"""OpenAI has two words for one tier (API reference, ``service_tier``)."""


class Served(NamedTuple):
    """What a request runs on: the tier's name in the provider's word, and how it differs from the default."""

    name: str
    slower: float
    ahead: float


def words_of(asked: str) -> list[str]:
    """Return the words of what a caller asked for: the values of one header, or of several joined by a comma."""
    return [_SYNONYMS.get(word, word) for word in asked.replace(",", " ").lower().split()]


def serve(tiers: Tiers | None, asked: str, names: Mapping[str, str]) -> Served:
    """Return what serves a request.

    Args:
        tiers: those offered; None where there are none.
        asked: the tier asked for, in the provider's word; any other word means the default.
        names: the provider's names of the tiers that served.
    """
    offered = _NONE if tiers is None else tiers
    words = words_of(asked)
    for word, tier in (("priority", offered.priority), ("flex", offered.flex)):
        if tier is not None and word in words:
            return Served(names.get(word, word), tier.slower, tier.ahead)
    return Served(names.get("default", "" if tiers is None else "default"), 1.0, 0.0)
