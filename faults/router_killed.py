"""router-killed: the router's process is killed, and started again."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, fault
from brownout.hands import Process, Turned
from faults._layers import TargetOnly
from faults._process import NEEDS, RouterOutage


@fault(
    "router-killed",
    Entry(
        family="process",
        colour="#2c3e50",
        sees="Every request in flight breaks off, and connections to the router are refused until it has been started "
        "again; then it knows nothing of what it had learnt.",
        seen=(
            "every day: a node lost, a spot instance reclaimed, a deployment that does not drain, memory run out",
            "Azure OpenAI in Sweden Central, 2026-01-27: pods killed for want of memory (windowsforum.com)",
        ),
        needs=NEEDS,
    ),
)
@dataclass(frozen=True, kw_only=True)
class RouterKilled(TargetOnly):
    """The router gets SIGKILL, with all the processes that it started.

    Attributes:
        down_s: how long until a supervisor starts it again, in seconds; null: not before the fault is lifted.
    """

    down_s: Annotated[float, msgspec.Meta(ge=0.0)] | None = None

    async def strike(self, process: Process) -> Turned:
        """Kill it."""
        outage = RouterOutage(process)
        await outage.end(process.kill())
        if self.down_s is not None:
            outage.go_on(_supervise(process, self.down_s))
        return outage


async def _supervise(process: Process, down_s: float) -> None:
    await asyncio.sleep(down_s)
    await process.start()
