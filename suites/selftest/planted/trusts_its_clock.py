"""It says that it holds for an hour, so it does."""

from typing import Any

from fixtures.router.renewal import Kept
from suites.selftest.planted.base import Planted, with_kept


class _Trusting(Kept[Any]):
    def refused(self, value: Any) -> bool:
        del value
        return False


TRUSTS_ITS_CLOCK = Planted(
    name="trusts-its-clock",
    about="goes on with a credential that is refused as expired for as long as it was to hold",
    make=with_kept(_Trusting),
    caught_by="expired_for_s",
    seen_in="expired-before-their-time",
)
