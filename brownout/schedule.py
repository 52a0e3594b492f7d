"""Schedule: when a fault is on, how strong, and whom it touches; as people write it, and as arithmetic."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from random import Random  # noqa: TID251 - a type
from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Repeat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault that comes again: ``times`` in all, one beginning ``every_s`` after the other."""

    times: Annotated[int, msgspec.Meta(ge=1)]
    every_s: Annotated[float, msgspec.Meta(gt=0.0)]


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an injection is on, in seconds from the start of load.

    Attributes:
        at_s: when it comes on.
        for_s: how long it is on, ramps included.
        ramp_s: how long its strength rises from nothing, in a line.
        ramp_down_s: how long, at its end, its strength falls to nothing, in a line: a slow recovery.
        repeat: whether it comes again; each time is an injection of its own.
        probability: the chance that it comes at all, drawn from the seed once for each time.
    """

    at_s: Seconds
    for_s: Annotated[float, msgspec.Meta(gt=0.0)]
    ramp_s: Seconds = 0.0
    ramp_down_s: Seconds = 0.0
    repeat: Repeat | None = None
    probability: Ratio = 1.0

    def __post_init__(self) -> None:
        """Refuse ramps that are longer than the injection, and times that overlap."""
        if self.ramp_s + self.ramp_down_s > self.for_s:
            raise ValueError(f"ramp_s and ramp_down_s together must be at most for_s ({self.for_s:g})")
        if self.repeat is not None and self.repeat.times > 1 and self.repeat.every_s < self.for_s:
            raise ValueError(f"repeat.every_s must be at least for_s ({self.for_s:g}), or the times overlap")

    def occurrences(self, rng: Random) -> Iterator[tuple[int, float]]:
        """Yield the number of each time that comes, from 1, and when it begins; every time draws once."""
        repeat = self.repeat or Repeat(times=1, every_s=1.0)
        for number in range(repeat.times):
            if rng.random() < self.probability:
                yield number + 1, self.at_s + number * repeat.every_s

    @property
    def ends_s(self) -> float:
        """When its last time ends."""
        return (
            self.at_s + self.for_s + (self.repeat.times - 1) * self.repeat.every_s
            if self.repeat
            else self.at_s + self.for_s
        )


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an injection touches, of those who come to its place.

    Attributes:
        share: the part of the requests (of the connections, for faults in the network).
        tenants: these tenants' requests alone; empty for all.
        models: requests for these models alone, as patterns (``anthropic.claude*``); empty for all.
    """

    share: Ratio = 1.0
    tenants: list[str] = msgspec.field(default_factory=list)
    models: list[str] = msgspec.field(default_factory=list)


def strength_at(on_for_s: float, *, for_s: float, ramp_s: float, ramp_down_s: float) -> float:
    """Return how strong an injection is so long after it came on, from 0 to 1.

    Args:
        on_for_s: how long it has been on.
        for_s: how long it is to be on.
        ramp_s: how long it rises.
        ramp_down_s: how long, at its end, it falls.
    """
    up = on_for_s / ramp_s if ramp_s else 1.0
    down = (for_s - on_for_s) / ramp_down_s if ramp_down_s else 1.0
    return min(max(min(up, down), 0.0), 1.0)


def touches(model: str, patterns: list[str]) -> bool:
    """Return whether a model's id is among the patterns; no pattern means every model."""
    return not patterns or any(fnmatchcase(model, pattern) for pattern in patterns)
