"""The base of faults in who may call an endpoint."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from brownout.dialects import dialect_named
from brownout.hands import Hands, Turned
from brownout.identity.harms import Harm
from brownout.topology import Endpoint
from faults._layers import WorldOnly
from faults._screws import Screw, turned


class HarmFault(WorldOnly, ABC):
    """Refuses callers at every one of its endpoints, and counts those who would have been let in."""

    @abstractmethod
    def harm(self, hands: Hands) -> Harm:
        """Return what is to be wrong, one for each endpoint."""

    @property
    @abstractmethod
    def unharmed(self) -> dict[str, str]:
        """Why it cannot act, by how an endpoint's callers prove who they are."""

    def unfit(self, endpoint: Endpoint) -> str:
        """Return why it cannot act there."""
        return self.unharmed.get(dialect_named(endpoint.dialect).auth, "")

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Refuse callers everywhere."""
        return await turned(self.screws(hands, at))

    def screws(self, hands: Hands, at: Sequence[str]) -> Iterator[Screw]:
        """Turn what refuses callers."""
        for name in at:
            yield _screw(hands, name, self.harm(hands))


def _screw(hands: Hands, name: str, harm: Harm) -> Screw:
    harms = hands.identity.harms
    harms.begin(name, harm)

    async def back() -> None:
        harms.end(name, harm)

    return Screw(acted=lambda: harm.refused, back=back, is_back=lambda: harm not in harms.at(name))
