"""router-stopped: the router's process stands still."""

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from brownout.fault import Entry, fault
from brownout.hands import Process, Turned
from faults._layers import TargetOnly
from faults._process import NEEDS, all_stopped, processes_of, resume, suspend

_ROUNDS = 20


@fault(
    "router-stopped",
    Entry(
        family="process",
        colour="#7f8c8d",
        sees="Connections to the router are still accepted, by its kernel; nothing comes back on these or on the live "
        "ones, until it runs on as if nothing had been.",
        seen=(
            "every day: a virtual machine paused to be moved, a frozen container, a long garbage collection",
            "a process that waits for a disk that hangs",
        ),
        needs=f"{NEEDS}, on the real clock",
        clocks=("real",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class RouterStopped(TargetOnly):
    """The router gets SIGSTOP, with all the processes that it started; SIGCONT lifts it."""

    async def strike(self, process: Process) -> Turned:
        """Stop all of it."""
        stopped: dict[psutil.Process, None] = {}
        try:
            for _ in range(_ROUNDS):  # one that was not stopped yet may have started another meanwhile
                if not (fresh := [one for one in processes_of(process) if one not in stopped]):
                    break
                stopped |= dict.fromkeys(fresh)
                suspend(fresh)
                await all_stopped(fresh, stopped=True)
        except BaseException:
            resume(list(stopped))
            raise
        return _Standing(list(stopped))


class _Standing:
    """Processes that stand still."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes

    def fired(self) -> int:
        return len(self._processes)

    async def undo(self) -> None:
        resume(self._processes)

    async def undone(self) -> bool:
        return await all_stopped(self._processes, stopped=False)
