"""refresh-stampede: all credentials expire at once, and everybody wants new ones of slow services."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, fault
from brownout.hands import Hands, Turned
from faults._credential_services import services_of
from faults._screws import Screw, turned
from faults._services import held_down
from faults.expired_tokens import ExpiredTokens


@fault(
    "refresh-stampede",
    Entry(
        family="identity",
        colour="#2e86c1",
        sees="Credentials end together; until new ones have come, slowly, every call is refused as expired.",
        seen=("every fleet that was started at once: its tokens end at once, an hour later, and all its workers ask",),
        needs="a target that renews its credentials (one with keys of its own is refused until the lift)",
    ),
)
@dataclass(frozen=True, kw_only=True)
class RefreshStampede(ExpiredTokens):
    """All credentials of its endpoints expire as it comes on, and the services that give out new ones are slow.

    It counts calls to these services, and requests that were refused as expired: a target that lets one worker refresh
    for all makes few of either.

    Attributes:
        delay_s: how much longer those services take over every answer.
    """

    delay_s: Annotated[float, msgspec.Meta(gt=0.0)] = 2.0

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Slow the services, then expire what they gave out."""
        return await turned(self._screws(hands, at))

    async def _screws(self, hands: Hands, at: Sequence[str]) -> AsyncIterator[Screw]:
        names = dict.fromkeys(one for name in at for one in services_of(hands.topology.endpoint(name)))
        for name in names:
            yield await held_down(hands.services[name], 0, delay_s=self.delay_s, meet=False)
        for screw in self.screws(hands, at):
            yield screw
