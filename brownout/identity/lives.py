"""How long what is given to callers holds: as long as in the real clouds, or less where a test is about its end."""

import datetime as dt


class Lives:
    """Bounds the lives of the sessions and tokens that open an endpoint. What is granted says its true end.

    What a machine is given to begin with (its metadata service's keys, a federated token) keeps its real life.

    Args:
        longest: the longest life; None for the real ones. AWS's shortest is 900 s ("AssumeRole", ``DurationSeconds``),
            longer than a test: callers ask for as much as ever, and are given less.
    """

    def __init__(self, longest: dt.timedelta | None = None) -> None:
        self.longest = longest

    def granted(self, asked: dt.timedelta) -> dt.timedelta:
        """Return how long something will hold for which so much was asked."""
        return asked if self.longest is None else min(asked, self.longest)
