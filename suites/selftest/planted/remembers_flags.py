"""Flags are read from a cache."""

import asyncio
from collections.abc import Mapping

from fixtures.router.shaping import Shaper
from suites.selftest.planted.base import Planted, with_shaper

_CACHED_S = 30.0


class _Cached(Shaper):
    def set_flags(self, flags: Mapping[str, bool]) -> None:
        asyncio.get_running_loop().call_later(_CACHED_S, super().set_flags, dict(flags))


REMEMBERS_FLAGS = Planted(
    name="remembers-flags",
    about="believes in a flag for 30 s after it was turned, and says at once that it is",
    make=with_shaper(_Cached),
    caught_by="rollback_s",
    seen_in="flag-rollback",
)
