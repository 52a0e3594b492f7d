"""Yes, no, or not known and why. What is not known spreads only as far as it could change the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Truth:
    """One answer of three (Kleene's logic).

    Attributes:
        value: True, False, or None where it is not known.
        why: the reasons for which it is not known; empty where it is.
    """

    value: bool | None
    why: tuple[str, ...] = ()

    def __invert__(self) -> Self:
        return self if self.value is None else type(self)(not self.value)


YES = Truth(value=True)
NO = Truth(value=False)


def known(value: bool) -> Truth:  # noqa: FBT001 - it is the value itself
    """Return the certain answer."""
    return YES if value else NO


def unsure(*why: str) -> Truth:
    """Return "not known", with the reasons."""
    return Truth(value=None, why=tuple(dict.fromkeys(why)))


def every(parts: Iterable[Truth]) -> Truth:
    """Return whether all hold: one certain no decides, whatever else is not known. Of nothing: yes."""
    doubts: list[str] = []
    for part in parts:
        if part.value is False:
            return NO
        doubts.extend(part.why)
    return unsure(*doubts) if doubts else YES


def some(parts: Iterable[Truth]) -> Truth:
    """Return whether any holds: one certain yes decides, whatever else is not known. Of nothing: no."""
    return ~every(~part for part in parts)
