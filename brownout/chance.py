"""Chance: how likely it has it that of three plays one that was named before is the odd one so often.

Where a target is alike in two plays but for chance, each play is the odd one as often as the others. What one chance
changes may last: a memory of two answers that came in another order is sent along with the questions after it. So where
a part is seen to differ by itself, a tenant's messages that differ one after the other are one streak, and streaks are
counted.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Literal, TypeAlias

from brownout.intervals import chance_of_fewer

SURE, DOUBTFUL, DOUBTFUL_AMID_CHANCE = 1e-5, 0.05, 1e-3
"""How likely chance alone may make what is called interference, for one part of requests or of replies: below the first
it is, by the ways in which it differs; else, below the second by how often it does, nobody knows. There are some fifty
such parts. Where one differs by itself, too, a twentieth would be one run in ten for nothing: hence the third."""

_CHANCE = 1 / 3  # that of three plays, alike but for chance, the last is the odd one
_DRAWS_MAX = 1000  # more are scaled down to so many, lest a power of two thirds be no number any more

Odd: TypeAlias = Literal["", "first", "again", "twin"]
"""Which of three plays is the odd one; none where they are alike."""

Weight: TypeAlias = Literal["sure", "doubtful", ""]
"""Whether a difference comes of the secret: surely, perhaps, or as likely of chance."""


class Tally:
    """In which plays one part is the odd one, in which ways, and in how many streaks."""

    def __init__(self) -> None:
        self._ways: dict[bool, set[Hashable]] = {True: set(), False: set()}
        self._times = Counter[bool]()
        self._streaks = Counter[bool]()
        self._now: dict[str, tuple[Odd, int]] = {}
        self._longest = 0

    def note(self, tenant: str, odd: Odd, way: Hashable = None) -> None:
        """Count one message of a tenant's, in the order in which they came.

        Args:
            tenant: whose it is.
            odd: the odd play.
            way: how it differs from the others.
        """
        before, length = self._now.get(tenant, ("", 0))
        length = length + 1 if odd == before else 1
        self._now[tenant] = odd, length
        if not odd:
            return
        twin = odd == "twin"
        self._ways[twin].add(way)
        self._times[twin] += 1
        self._streaks[twin] += length == 1
        if not twin:
            self._longest = max(self._longest, length)

    def weight(self) -> Weight:
        """Return what it is that the twin is the odd one."""
        ways = by_chance(len(self._ways[True]), len(self._ways[False]))
        if not self._times[False]:
            return weighed(ways, by_chance(self._times[True], 0))
        streaks, others = self._streaks[True], self._streaks[False]
        # a leak in every message is one streak: hence by how many of the longest that chance was seen to make it is
        outlasting = max(streaks, self._times[True] // self._longest)
        if ways < SURE and by_chance(outlasting, others) < SURE:
            return "sure"
        return "doubtful" if ways < SURE or by_chance(streaks, others) < DOUBTFUL_AMID_CHANCE else ""


def by_chance(odd: int, others: int) -> float:
    """Return how likely it is by chance that of three plays one that was named before is the odd one so often, or more.

    Args:
        odd: how often it was.
        others: how often one of the others was.
    """
    draws = odd + others
    if draws > _DRAWS_MAX:
        odd, draws = odd * _DRAWS_MAX // draws, _DRAWS_MAX
    return 1.0 if odd == 0 else 1 - chance_of_fewer(odd, draws, _CHANCE)


def weighed(ways: float, times: float) -> Weight:
    """Return what differences are, by how likely chance makes so many ways of differing, and so many of them at all.

    Messages that differ all in the same way count as one for the first: what a process draws when it starts, one of two
    numbers say, stands in all that it sends.
    """
    if ways < SURE:
        return "sure"
    return "doubtful" if times < DOUBTFUL else ""
