"""What faults share that spoil a thing of the world by name: all of it is healed, or none was spoiled."""

from collections.abc import Callable, Iterable

from brownout.hands import Spoil


class AllSpoiled:
    """See `brownout.hands.Turned`.

    Args:
        spoil: spoils one thing.
        names: what is to be spoiled.
    """

    def __init__(self, spoil: Callable[[str], Spoil], names: Iterable[str]) -> None:
        self._spoils: list[Spoil] = []
        try:
            for name in names:
                self._spoils.append(spoil(name))
        except BaseException:
            self._heal()
            raise

    def fired(self) -> int:
        """Return how often what was spoiled was met."""
        return sum(spoil.met for spoil in self._spoils)

    async def undo(self) -> None:
        """Heal all of it."""
        self._heal()

    async def undone(self) -> bool:
        """Return whether none of it is there any more; another injection's may be."""
        return not any(spoil.on for spoil in self._spoils)

    def _heal(self) -> None:
        for spoil in self._spoils:
            spoil.heal()
