"""A new credential for every request."""

from typing import Any

from fixtures.router.renewal import Kept
from suites.selftest.planted.base import Planted, with_kept


class _EveryTime(Kept[Any]):
    async def value(self) -> Any:
        await self.renew()
        return await super().value()


RENEWS_EVERY_TIME = Planted(
    name="renews-every-time",
    about="asks for a new credential for every request that it sends",
    make=with_kept(_EveryTime),
    caught_by="token_stampede",
    also=frozenset({"availability"}),
    why="where the services are slow, every request waits for them, and is given up",
    seen_in="renewed-before-they-end",
)
