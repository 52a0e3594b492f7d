"""What faults of the router's process share: its processes, stopped and resumed; and its end and way back."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import psutil

from brownout.clock import wait_until
from brownout.hands import Process

NEEDS = "a target that brownout starts (start:, not url:)"
_SEEN_WITHIN_S = 2.0


class RouterOutage:
    """A router that was ended, or is about to be: something may start it again, and its undo does at the latest."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._work: asyncio.Task[None] | None = None
        self._ended, self._count = False, 0

    async def end(self, ending: Awaitable[int]) -> None:
        """End it, in the way given, and count its processes."""
        self._count += await ending
        self._ended = True

    def go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Let the rest happen by itself."""
        self._work = asyncio.create_task(work)

    def fired(self) -> int:
        """Count the processes that were ended."""
        return self._count

    async def undo(self) -> None:
        """Start it again now, if it was not: one that takes its time to end is killed."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            if not self._ended and not self._process.over:
                await self.end(self._process.kill())
        await self._process.start()

    async def undone(self) -> bool:
        """Read back that it is up; or over, and nothing of it is left to be started."""
        return self._process.up or self._process.over


def processes_of(process: Process) -> list[psutil.Process]:
    """Return the router's processes, each safe from being taken for another that gets its id later."""
    found = []
    for pid in process.pids():
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def suspend(processes: Sequence[psutil.Process]) -> int:
    """Send each of them SIGSTOP; return how many were there to get it."""
    return _each(processes, psutil.Process.suspend)


def resume(processes: Sequence[psutil.Process]) -> int:
    """Send each of them SIGCONT; return how many were there to get it."""
    return _each(processes, psutil.Process.resume)


async def all_stopped(processes: Sequence[psutil.Process], *, stopped: bool) -> bool:
    """Return whether all that are there soon are stopped; or, all of them not."""

    async def seen() -> bool:
        return all(state == stopped for one in processes if (state := _stopped(one)) is not None)

    return await wait_until(seen, within_s=_SEEN_WITHIN_S)


def _each(processes: Sequence[psutil.Process], act: Callable[[psutil.Process], None]) -> int:
    reached = 0
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            act(one)
            reached += 1
    return reached


def _stopped(one: psutil.Process) -> bool | None:
    """Return None for one that is gone."""
    try:
        state = one.status()
    except psutil.NoSuchProcess:
        return None
    return None if state == psutil.STATUS_ZOMBIE else bool(state == psutil.STATUS_STOPPED)
