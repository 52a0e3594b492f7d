"""random-resets: now and then a connection is reset."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Link, fault
from faults._layers import NetworkOnly
from faults.network.dial import met

_PATIENCE_S = 1.0


@fault(
    "random-resets",
    Entry(
        family="gray",
        colour="#dc7633",
        sees='Some connections end in "connection reset by peer" when the reply should come; others are as ever.',
        seen=(
            (
                "AWS us-east-1, 2025-10-20: connection errors at load balancers whose health checks flapped "
                "(https://aws.amazon.com/message/101925)"
            ),
            "firewalls and NAT gateways that have forgotten a connection, every day",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class RandomResets(NetworkOnly):
    """Connections are reset (TCP RST) once the endpoint answers; nothing of the answer arrives.

    Which ones is chance's, connection by connection: the injection's ``share`` is the part of them, and all of them
    where it is not said. The endpoint has begun to answer, and finds its caller gone.

    Attributes:
        after_ms: how long after the endpoint's first bytes, in ms.
    """

    after_ms: Annotated[int, msgspec.Meta(ge=0)] = 0

    async def inject(self, link: Link) -> None:
        """Reset when bytes come back."""
        await link.add_toxic("reset_peer", {"timeout": self.after_ms})

    async def felt(self, link: Link) -> bool:
        """Dial: is the connection reset, in place of an answer?"""
        return await met(link, lambda one: one.how == "reset", within_s=self.after_ms / 1000 + _PATIENCE_S)
