"""What is turned in the world, at several endpoints, and turned back: the base of most faults there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from brownout.hands import LeftOn, Turned


@dataclass(frozen=True, kw_only=True)
class Screw:
    """One thing that was turned.

    Attributes:
        acted: returns how often it has acted so far.
        back: turns it back; called again when it failed.
        is_back: reads back whether it is as it was.
    """

    acted: Callable[[], int]
    back: Callable[[], Awaitable[None]]
    is_back: Callable[[], bool]


class Screws:
    """A `brownout.hands.Turned` of several things.

    One that cannot be turned back does not keep the others.
    """

    def __init__(self) -> None:
        self._all: list[Screw] = []
        self._turned: list[Screw] = []

    def add(self, screw: Screw) -> None:
        """Take one over that was turned."""
        self._all.append(screw)
        self._turned.append(screw)

    def fired(self) -> int:
        """Return how often they have acted so far, together."""
        return sum(screw.acted() for screw in self._all)

    async def undo(self) -> None:
        """Turn back what is left, the last first."""
        failed: list[Exception] = []
        for screw in reversed(list(self._turned)):
            try:
                await screw.back()
            except Exception as error:  # noqa: BLE001 - the others come first; it is raised below
                failed.append(error)
            else:
                self._turned.remove(screw)
        if failed:
            raise failed[0]

    async def undone(self) -> bool:
        """Read every one of them back."""
        return not self._turned and all(screw.is_back() for screw in self._all)


async def turned(screws: Iterable[Screw] | AsyncIterator[Screw]) -> Turned:
    """Return what turns while it is iterated over (a generator); what was begun is undone before an error is raised.

    Raises:
        LeftOn: it could not be undone.
    """
    held = Screws()
    try:
        if isinstance(screws, AsyncIterator):
            async for screw in screws:
                held.add(screw)
        else:
            for screw in screws:
                held.add(screw)
    except BaseException as error:
        try:
            await held.undo()
        except Exception as second:  # noqa: BLE001 - whatever it is, that is said
            raise LeftOn(f"{error or type(error).__name__}; what was begun could not be undone: {second}") from error
        raise
    return held
