"""What a sound router says of itself."""

from pathlib import Path

import msgspec

from fixtures.virtual import MakeRouter

TARGETS = Path(__file__).parent / "targets"


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """A good router of some design. What it declares is in its target's file, ``targets/NAME.yaml``.

    Attributes:
        name: as the target's file says in ``embedded``.
        about: how it differs from others.
        make: makes it.
        shown_by: tests in which it does what only it does; all others it has to bear as well.
    """

    name: str
    about: str
    make: MakeRouter
    shown_by: tuple[str, ...]

    @property
    def file(self) -> Path:
        """The target's file."""
        return TARGETS / f"{self.name}.yaml"
