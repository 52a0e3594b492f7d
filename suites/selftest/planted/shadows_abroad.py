"""A copy is no request, so no boundary is asked about it."""

from collections.abc import Sequence

from fixtures.router.shaping import Shaper
from suites.selftest.planted.base import Planted, with_shaper


class _Anywhere(Shaper):
    def copied_to(self, model: str, candidates: Sequence[str]) -> str | None:
        shadow = self.shaping.shadow
        return super().copied_to(model, [*candidates, shadow.to] if shadow else candidates)


SHADOWS_ABROAD = Planted(
    name="shadows-abroad",
    about="sends copies of every tenant's requests to the shadow endpoint, whoever may use it",
    make=with_shaper(_Anywhere),
    caught_by="boundary_violations",
    seen_in="shadow-traffic",
)
