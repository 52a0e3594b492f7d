"""A renewal that failed, and so the end of what was good."""

from typing import Any

from fixtures.router.renewal import Kept, Renewal
from suites.selftest.planted.base import Planted, with_kept


class _Dropping(Renewal[Any]):
    def failed(self, now_s: float) -> None:
        super().failed(now_s)
        self._held = None


class _Drops(Kept[Any]):
    life = _Dropping


DROPS_GOOD_CREDENTIALS = Planted(
    name="drops-good-credentials",
    about="gives a credential up that holds, because it could not be renewed",
    make=with_kept(_Drops),
    caught_by="share_left_ratio",
    also=frozenset({"availability"}),
    why="where there is no other cloud left, requests without a credential are lost",
    seen_in="token-service-down",
)
