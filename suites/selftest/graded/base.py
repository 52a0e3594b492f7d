"""What a graded defect says of itself: one defect in several strengths, to learn from which on it is caught."""

from collections.abc import Callable

import msgspec

from fixtures.virtual import MakeRouter


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """A defect of the reference router that can be made stronger.

    Attributes:
        name: what it is called.
        about: what it does, with ``{}`` for the strength.
        strengths: from the weakest to the strongest, as ``said`` puts them.
        said: how a strength is written, with ``{}`` for the number.
        make: from a strength to the router that has it.
        caught_by: the promise (a metric) that it breaks.
    """

    name: str
    about: str
    strengths: tuple[float, ...]
    said: str
    make: Callable[[float], MakeRouter]
    caught_by: str
