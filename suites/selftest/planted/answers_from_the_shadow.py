"""Whichever answer: the first is the best."""

from collections.abc import Sequence

from fixtures.router.shaping import Shaper
from suites.selftest.planted.base import Planted, with_shaper


class _ShadowFirst(Shaper):
    _loser: str | None = None

    def in_order(self, model: str, candidates: Sequence[str]) -> list[str]:
        ordered = super().in_order(model, candidates)
        winner = super().copied_to(model, candidates)
        self._loser = ordered[0] if winner else None
        return [winner, *(name for name in ordered if name != winner)] if winner else ordered

    def copied_to(self, model: str, candidates: Sequence[str]) -> str | None:
        del model, candidates
        return self._loser


ANSWERS_FROM_THE_SHADOW = Planted(
    name="answers-from-the-shadow",
    about="lets the copy win the race: users get the answers of what shadow traffic was to try out",
    make=with_shaper(_ShadowFirst),
    caught_by="shadow_answers",
    seen_in="shadow-traffic",
)
