"""router-restarted: the router is asked to end, and started again."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, fault
from brownout.hands import Process, Turned
from faults._layers import TargetOnly
from faults._process import NEEDS, RouterOutage


@fault(
    "router-restarted",
    Entry(
        family="process",
        colour="#34495e",
        sees="The router takes no new connections while it finishes what it has begun, is gone for a moment, and comes "
        "back with everything it had learnt forgotten.",
        seen=(
            "every deployment and every change of a config that is read once, also in the middle of an outage",
            "Azure OpenAI in Sweden Central, 2026-01-27: a restart in the outage, to no avail (windowsforum.com)",
        ),
        needs=NEEDS,
    ),
)
@dataclass(frozen=True, kw_only=True)
class RouterRestarted(TargetOnly):
    """The router's first process gets SIGTERM, and what is left after a grace SIGKILL; then it is started again.

    Attributes:
        grace_s: how long it may take to end, in seconds. When the fault is lifted before, the grace ends with it.
    """

    grace_s: Annotated[float, msgspec.Meta(ge=0.0)] = 10.0

    async def strike(self, process: Process) -> Turned:
        """Begin; what is in flight may end while the fault is on."""
        outage = RouterOutage(process)
        outage.go_on(self._restart(outage, process))
        return outage

    async def _restart(self, outage: RouterOutage, process: Process) -> None:
        await outage.end(process.terminate(self.grace_s))
        await process.start()
