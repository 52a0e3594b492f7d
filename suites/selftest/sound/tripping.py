"""The plainest breaker: trips after so many failures in a row, waits, then has one request at a time find out."""

from typing import Literal, TypeAlias

State: TypeAlias = Literal["closed", "open", "half-open"]


class Trip:
    """One endpoint's.

    Args:
        failures: how many in a row trip it.
        open_s: how long nobody is let through then.
    """

    def __init__(self, failures: int, open_s: float) -> None:
        self._failures_max, self._open_s = failures, open_s
        self._in_a_row = 0
        self._until_s = 0.0
        self._probing = False
        self.state: State = "closed"

    def lets(self, now_s: float) -> bool:
        """Return whether a request may go there; it takes the place of the one that finds out."""
        if self.state == "open" and now_s >= self._until_s:
            self.state, self._probing = "half-open", False
        if self.state == "half-open" and not self._probing:
            self._probing = True
            return True
        return self.state == "closed"

    def opens_in_s(self, now_s: float) -> float:
        """Return for how long it is sure that nobody is let through."""
        return max(self._until_s - now_s, 0.0) if self.state == "open" else 0.0

    def went(self) -> None:
        """It answered."""
        self._in_a_row, self._probing, self.state = 0, False, "closed"

    def left(self) -> None:
        """A request there is over and told nothing."""
        self._probing = False

    def failed(self, now_s: float, told_s: float | None = None) -> None:
        """It failed; ``told_s`` is its own word when to come back, which trips it at once."""
        self._in_a_row += 1
        if told_s is not None or self.state == "half-open" or self._in_a_row >= self._failures_max:
            wait_s = self._open_s if told_s is None else min(told_s, 60.0)
            self.state, self._probing = "open", False
            self._until_s = max(self._until_s, now_s + wait_s)
