"""Shadow traffic was switched on, and nobody looked whether it flows."""

from collections.abc import Sequence

from fixtures.router.shaping import Shaper
from suites.selftest.planted.base import Planted, with_shaper

_EVERY = 10


class _Rarely(Shaper):
    _due = 0

    def copied_to(self, model: str, candidates: Sequence[str]) -> str | None:
        to = super().copied_to(model, candidates)
        self._due += to is not None
        return to if self._due % _EVERY == 0 else None


SHADOWS_NOTHING = Planted(
    name="shadows-nothing",
    about="copies one in ten of the requests that it should",
    make=with_shaper(_Rarely),
    caught_by="shadow_deviation_ratio",
    seen_in="shadow-traffic",
)
