"""Every caller fetches for itself."""

from typing import Any

from fixtures.router.renewal import Kept
from suites.selftest.planted.base import Planted, with_kept


class _ForEach(Kept[Any]):
    async def value(self) -> Any:
        if self.renewal.due(self._clock.now_s()):
            await self.renew()
        return await super().value()


RENEWS_FOR_EACH = Planted(
    name="renews-for-each",
    about="lets every request that finds a credential ended ask for a new one itself",
    make=with_kept(_ForEach),
    caught_by="token_stampede",
    seen_in="one-renews-for-all",
    like="renews-every-time",
    like_why="each of its requests asks for itself, there whenever it is sent, here when a credential is due",
)
