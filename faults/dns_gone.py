"""dns-gone: a host name is not found any more, while connections to it live."""

from collections.abc import Sequence
from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Hands, Spoiled, Turned
from faults._layers import WorldOnly
from faults._spoiling import AllSpoiled


@fault(
    "dns-gone",
    Entry(
        family="region",
        colour="#7f3b08",
        sees="The endpoint's host name is not found: new connections fail before they begin, open ones work on.",
        seen=(
            (
                "AWS us-east-1, 2025-10-19: the record of DynamoDB's regional name was empty for three hours "
                "(https://aws.amazon.com/message/101925)"
            ),
            (
                "OpenAI, 2024-12-11: names went with a control plane, and caches hid it for some twenty minutes "
                "(https://status.openai.com/incidents/ctrsv3lwd797)"
            ),
        ),
        needs=(
            "a router that resolves the endpoints' host names by the world's name server (dns in world.json), and that "
            "makes new connections once the names it remembers have expired"
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class DnsGone(WorldOnly):
    """Lookups of the endpoints' host names go wrong.

    It is the name that is gone: every endpoint under the same host name is hit too, wherever the fault was placed
    (two capacities of one region's Bedrock are one name). Whoever still remembers the address, or calls it by its
    address, notices nothing.

    Attributes:
        how: ``empty``: there is such a name, and it has no address. ``nxdomain``: there is no such name. ``servfail``:
            the name server cannot tell. ``silent``: it does not answer.
    """

    how: Spoiled = "empty"

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Spoil the names."""
        hosts = dict.fromkeys(hands.names.host_of(name) for name in at)
        return AllSpoiled(lambda host: hands.names.spoil(host, self.how), hosts)
