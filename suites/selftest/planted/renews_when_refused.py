"""A credential is good until somebody says that it is not."""

from typing import Any

from fixtures.router.renewal import Kept, Renewal
from suites.selftest.planted.base import Planted, with_kept


class _UntilRefused(Renewal[Any]):
    def good(self, now_s: float) -> Any:
        del now_s
        return self._held

    def due(self, now_s: float) -> bool:
        return self._held is None and now_s >= self._not_before_s


class _Late(Kept[Any]):
    life = _UntilRefused


RENEWS_WHEN_REFUSED = Planted(
    name="renews-when-refused",
    about="keeps a credential until it is refused, whatever it said of its end",
    make=with_kept(_Late),
    caught_by="expired_credentials_sent",
    seen_in="renewed-before-they-end",
)
