"""What something that is broken in a pool has done: the evidence that a fault there was met."""

from typing import Protocol


class Touched(Protocol):
    """A request that remembers what has touched it."""

    tolls: "tuple[Toll, ...]"


class Toll:
    """What one thing that is broken has done so far; whoever broke it reads it, and takes it back by it.

    Attributes:
        acts: how often it has acted. A request counts once, whatever it suffers from the same thing.
    """

    __slots__ = ("_instances", "_shut", "acts")

    def __init__(self) -> None:
        self.acts = 0
        self._instances: set[int] = set()
        self._shut = False

    def note(self, request: Touched) -> None:
        """Count a request."""
        if self not in request.tolls:
            request.tolls = (*request.tolls, self)
            self.acts += 1

    def note_refused(self) -> None:
        """Count a request, or a machine asked for, that got nothing at all."""
        self.acts += 1

    def note_instance(self, number: int) -> None:
        """Count an instance, once."""
        if number not in self._instances:
            self._instances.add(number)
            self.acts += 1

    def note_shut(self) -> None:
        """Count, once, that nobody listens: who is refused a connection cannot be counted."""
        if not self._shut:
            self._shut = True
            self.acts += 1
