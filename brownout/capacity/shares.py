"""Quotas that fall below what they should be: by how much, whose doing it is, and which requests felt it."""

import math
from abc import ABC, abstractmethod

from brownout.capacity.toll import Toll


class Shares:
    """What those who hold a quota down leave of it together: the product of their ratios."""

    def __init__(self) -> None:
        self._ratios: dict[Toll, float] = {}

    @property
    def left(self) -> float:
        """The share of the quota in force (ratio); 1 exactly where nobody holds it down."""
        return math.prod(self._ratios.values())

    def holds(self, toll: Toll) -> bool:
        """Return whether this one is still among those who hold it down."""
        return toll in self._ratios

    def take(self, ratio: float) -> Toll:
        """Leave a share (ratio, 0 to 1) of what the others leave.

        Raises:
            ValueError: for a ratio that is not between 0 and 1.
        """
        if not 0.0 <= ratio <= 1.0:
            raise ValueError(f"a quota cannot fall to {ratio:g} of itself; ratio is between 0 and 1")
        toll = Toll()
        self._ratios[toll] = ratio
        return toll

    def give(self, toll: Toll) -> None:
        """Take one of them out; one that is not among them is left so."""
        self._ratios.pop(toll, None)

    def note_refused(self) -> None:
        """Tell all of them of a request that found no room, where the whole quota would have had some."""
        for toll in self._ratios:
            toll.note_refused()


class Shrinkable(ABC):
    """A capacity model with a quota that several can hold down at once.

    Attributes:
        shares: who does, and what that leaves.
    """

    shares: Shares

    @abstractmethod
    def shrink(self, now_s: float, ratio: float) -> None:
        """Enforce only a share of the quota (ratio, 0 to 1) from now on; what is used stays used."""

    def hold_down(self, now_s: float, ratio: float) -> Toll:
        """Enforce only a share (ratio, 0 to 1) of what is enforced now, until `let_up`.

        Returns:
            What counts the requests that were refused, or spilled, and would have had room in the whole quota at that
            moment. Where several hold it down, each of them counts it.

        Raises:
            ValueError: for a ratio that is not between 0 and 1.
        """
        toll = self.shares.take(ratio)
        self.shrink(now_s, self.shares.left)
        return toll

    def let_up(self, now_s: float, toll: Toll) -> None:
        """Undo one `hold_down`, whatever the order; after the last one the quota is what it was, exactly."""
        if self.shares.holds(toll):
            self.shares.give(toll)
            self.shrink(now_s, self.shares.left)
