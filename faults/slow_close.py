"""slow-close: connections that have ended are long in closing."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Link, fault
from faults._layers import NetworkOnly
from faults.network.dial import TELLABLE_S, met

_PATIENCE_S = 1.0
_SURE = 0.9


@fault(
    "slow-close",
    Entry(
        family="gray",
        colour="#f9e79f",
        sees="Replies are as ever, but a connection that the endpoint has closed stays open for a while, silent.",
        seen=(
            "proxies and load balancers that linger on the connections they close, or notice late that one has ended",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class SlowClose(NetworkOnly):
    """The end of a connection comes late.

    Who waits for the end of the connection to know that of the reply waits so much longer; a stream that is cut looks
    like one that stalls. Who keeps connections finds no difference, but in how many are open.

    Attributes:
        delay_ms: how late the end comes, in ms.
    """

    delay_ms: Annotated[int, msgspec.Meta(ge=1)] = 2000

    async def inject(self, link: Link) -> None:
        """Delay the end of what comes back."""
        await link.add_toxic("slow_close", {"delay": self.delay_ms})

    async def felt(self, link: Link) -> bool:
        """Dial: once the complaint has come, is its end so late?

        A delay too short to be told from a busy machine's claims nothing.
        """
        least_s = self.delay_ms / 1000 * _SURE
        if least_s < TELLABLE_S:
            return False
        return await met(
            link,
            lambda one: bool(one.length) and one.ended_s is not None and one.ended_s - one.last_s >= least_s,
            within_s=self.delay_ms / 1000 + _PATIENCE_S,
        )
