"""wrong-content-type: a reply is labelled as what it is not."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import HttpReply
from faults._layers import WireOnly


@fault(
    "wrong-content-type",
    Entry(
        family="stream",
        colour="#d2b4de",
        sees="Replies say in their Content-Type that they are something else, HTML for instance; the body is right.",
        seen=("gateways and proxies that label what passes through them by their own defaults",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class WrongContentType(WireOnly):
    """The header ``Content-Type`` is wrong.

    On every reply to a request that was let in: streamed, whole, or an error that another fault put in its place.
    Clients that choose their parser by it choose the wrong one.

    Attributes:
        content_type: what it says, no unit.
    """

    content_type: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?\S+)*$")] = (
        "text/html"
    )

    def whole(self, exchange: Exchange, reply: HttpReply) -> HttpReply:
        """Label the reply, or the head of a streamed one."""
        kept = {name: value for name, value in reply.headers.items() if name.lower() != "content-type"}
        labelled = {**kept, "Content-Type": self.content_type}
        if labelled == reply.headers:
            return reply
        exchange.fired()
        return msgspec.structs.replace(reply, headers=labelled)
