"""router-starved: the router does not get the processor time, or the memory, that it needs."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec
import psutil

from brownout.errors import BadInput
from brownout.fault import Entry, fault
from brownout.hands import Process, Turned
from faults._layers import TargetOnly
from faults._process import NEEDS, all_stopped, processes_of, resume, suspend

_PERIOD_S = 0.05
_LOOK_AGAIN = 20  # periods between looks at which processes there are
_MB = 1_000_000

Limit: TypeAlias = tuple[int, int]


@fault(
    "router-starved",
    Entry(
        family="process",
        colour="#95a5a6",
        sees="The router answers late and in bursts (cpu), or fails or dies when it asks for memory (memory), while "
        "every endpoint behind it is well.",
        seen=(
            "every day: a container throttled at its CPU limit, a noisy neighbour, a memory limit that is too tight",
            "Azure OpenAI, 2025-05-16: larger requests, containers out of memory (https://status.insightsoftware.com)",
        ),
        needs=f"{NEEDS}, on the real clock, and Linux for memory",
        clocks=("real",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class RouterStarved(TargetOnly):
    """The router is short of something.

    Attributes:
        what: ``cpu``: its processes run only for short moments, by SIGSTOP and SIGCONT. ``memory``: each of its
            processes may have hardly more memory than it has now (RLIMIT_DATA); processes that it starts later inherit
            the limit.
        cpu_share: the share of the time in which they may run (a ratio).
        headroom_mb: how much more memory than now each process may have, in megabytes.
    """

    what: Literal["cpu", "memory"] = "cpu"
    cpu_share: Annotated[float, msgspec.Meta(ge=0.01, le=0.95)] = 0.05
    headroom_mb: Annotated[float, msgspec.Meta(ge=0.0)] = 4.0

    async def strike(self, process: Process) -> Turned:
        """Begin to starve it.

        Raises:
            BadInput: memory, on a platform that cannot limit that of a running process.
        """
        if self.what == "cpu":
            return _Throttled(process, self.cpu_share)
        if sys.platform != "linux":
            raise BadInput(
                f"router-starved: what: memory needs Linux, where a running process's limits can be set; this is "
                f"{sys.platform}. Use what: cpu."
            )
        tight = _Tight(process)
        try:
            tight.squeeze(int(self.headroom_mb * _MB))
        except BaseException:
            await tight.undo()
            raise
        return tight


class _Throttled:
    """Processes that run for a share of the time."""

    def __init__(self, process: Process, cpu_share: float) -> None:
        self._process, self._share = process, cpu_share
        self._processes: list[psutil.Process] = []
        self._stops = 0
        self._work = asyncio.create_task(self._throttle())

    def fired(self) -> int:
        """Count how often processes were stopped."""
        return self._stops

    async def undo(self) -> None:
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)
        resume(self._processes)

    async def undone(self) -> bool:
        return self._work.done() and await all_stopped(self._processes, stopped=False)

    async def _throttle(self) -> None:
        """What ran for longer than was meant, because this machine was busy, stands still for longer, too."""
        now_s = asyncio.get_running_loop().time
        periods = 0
        while True:
            if periods % _LOOK_AGAIN == 0:
                self._processes = processes_of(self._process)
            periods += 1
            resume(self._processes)
            resumed_s = now_s()
            await asyncio.sleep(_PERIOD_S * self._share)
            self._stops += suspend(self._processes)
            ran_s = now_s() - resumed_s
            await asyncio.sleep(ran_s * (1 - self._share) / self._share)


class _Tight:
    """Processes whose memory is limited, softly: the hard limit stays, so that the way back needs no privilege."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._before: dict[psutil.Process, Limit] = {}

    def squeeze(self, headroom_bytes: int) -> None:
        for one in processes_of(self._process):
            with contextlib.suppress(psutil.NoSuchProcess):
                before = _limit(one)
                allowed = one.memory_info().data + headroom_bytes
                if before[0] == psutil.RLIM_INFINITY or allowed < before[0]:
                    self._before[one] = before
                    one.rlimit(psutil.RLIMIT_DATA, (allowed, before[1]))

    def fired(self) -> int:
        """Count the processes that were limited."""
        return len(self._before)

    async def undo(self) -> None:
        for one, before in self._due():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.rlimit(psutil.RLIMIT_DATA, before)

    async def undone(self) -> bool:
        return all(_limit_or(one, before) == before for one, before in self._due())

    def _due(self) -> Sequence[tuple[psutil.Process, Limit]]:
        """What was started since has inherited the limit of its parent, and gets that parent's way back."""
        oldest = next(iter(self._before.values()), None)
        if oldest is None:
            return []
        heirs = [one for one in processes_of(self._process) if one not in self._before]
        return [*self._before.items(), *((one, oldest) for one in heirs)]


def _limit(one: psutil.Process) -> Limit:
    soft, hard = one.rlimit(psutil.RLIMIT_DATA)
    return soft, hard


def _limit_or(one: psutil.Process, gone: Limit) -> Limit:
    try:
        return _limit(one)
    except psutil.NoSuchProcess:
        return gone
