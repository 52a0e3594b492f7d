"""bandwidth: the line to the endpoint is thin."""

from dataclasses import dataclass
from typing import Annotated, Self

import msgspec

from brownout.fault import Entry, Link, fault
from faults._layers import NetworkOnly
from faults.network.dial import TELLABLE_S, long_nonsense, met

_BITS = 8
_PATIENCE_S = 30.0


@fault(
    "bandwidth",
    Entry(
        family="gray",
        colour="#f7dc6f",
        sees="Requests and replies take as long as a thin line needs: short ones are nearly as ever, long ones crawl.",
        seen=("a saturated or throttled link between clouds, a NAT gateway or a VPN at its limit",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class Bandwidth(NetworkOnly):
    """The line's speed is limited, each way and for each connection.

    Its strength is how much slower the line is than no limit: at half the strength the rate is twice as high.

    Attributes:
        rate_kbps: the speed, in kbit/s, rounded to whole kB/s (8 kbit/s).
    """

    rate_kbps: Annotated[float, msgspec.Meta(ge=8.0)] = 256.0

    async def inject(self, link: Link) -> None:
        """Limit both ways."""
        for stream in ("upstream", "downstream"):
            await link.add_toxic("bandwidth", {"rate": self._kilobytes_per_s}, stream=stream)

    async def felt(self, link: Link) -> bool:
        """Dial and say much: does the answer come no sooner than the line could have carried that?

        At rates that carry it faster than a busy machine's own delays, nothing is claimed.
        """
        say = long_nonsense()
        needed_s = len(say) / (self._kilobytes_per_s * 1000)
        if needed_s < TELLABLE_S:
            return False
        within_s = min(2 * needed_s + 1.0, _PATIENCE_S)
        return await met(link, lambda one: bool(one.length) and one.first_s >= needed_s, say=say, within_s=within_s)

    def scaled(self, strength: float) -> Self:
        """Return a wider line."""
        return type(self)(rate_kbps=self.rate_kbps / strength)

    @property
    def _kilobytes_per_s(self) -> int:
        return max(1, round(self.rate_kbps / _BITS))
