"""Time and chance: the only file that reads the machine's clock or makes a generator.

Everything that decides or waits takes both from its caller. Asyncio code waits with
``asyncio.sleep`` and reads ``loop.time()``, which is the machine's monotonic clock on a real
loop and a jumping clock on a virtual one (``brownout/virtual.py``); decision cores are handed
``now_s`` as a number.
"""

import asyncio
import datetime as dt
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol


class Clock(Protocol):
    """Seconds since the test's epoch (the moment its world was raised)."""

    def now_s(self) -> float:
        """Return the seconds since the epoch."""
        ...

    def utc(self) -> dt.datetime:
        """Return the date and time of day, for signatures and token lifetimes."""
        ...


class LoopClock:
    """The running event loop's clock, real or virtual, counted from an epoch.

    Args:
        epoch_s: the loop's time at the test's epoch. On real loops this is the machine's monotonic
            clock, which all processes of one machine share, so that their evidence lines up.
    """

    def __init__(self, epoch_s: float | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.epoch_s = self._loop.time() if epoch_s is None else epoch_s

    def now_s(self) -> float:
        """Return the seconds since the epoch."""
        return self._loop.time() - self.epoch_s

    def utc(self) -> dt.datetime:
        """Return the date and time of day; on a virtual loop a made-up day moves with the loop's clock."""
        base: dt.datetime | None = getattr(self._loop, "utc_base", None)
        return utc_now() if base is None else base + dt.timedelta(seconds=self._loop.time())


class MonotonicClock:
    """The machine's monotonic clock counted from an epoch, for code outside an event loop (Locust)."""

    def __init__(self, epoch_s: float | None = None) -> None:
        self.epoch_s = monotonic_s() if epoch_s is None else epoch_s

    def now_s(self) -> float:
        """Return the seconds since the epoch."""
        return monotonic_s() - self.epoch_s

    def utc(self) -> dt.datetime:
        """Return the date and time of day."""
        return utc_now()


def monotonic_s() -> float:
    """Return the machine's monotonic clock: what a real loop's ``time()`` returns."""
    return time.monotonic()  # noqa: TID251 - the one place


def utc_now() -> dt.datetime:
    """Return the wall clock, for names of run directories and ``started_at``; never for a decision."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place


def rng_for(seed: int, *names: object) -> random.Random:  # noqa: TID251 - a type
    """Return a generator that depends on the run's seed and on who asks, and on nothing else.

    Two askers never share a stream, so that a draw more in one place changes nothing in another.
    """
    digest = hashlib.sha256("\x1f".join([str(seed), *map(str, names)]).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))  # noqa: TID251, S311 - the one place; not for secrets


async def wait_until(condition: Callable[[], Awaitable[bool]], *, within_s: float, poll_s: float = 0.02) -> bool:
    """Wait until the condition holds; return whether it did within the time given."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_s
    while not await condition():
        if loop.time() >= deadline_s:
            return False
        await asyncio.sleep(poll_s)
    return True
