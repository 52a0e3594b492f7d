"""control-plane-down: what is up serves on, and nobody can change it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import msgspec

from brownout.fault import Entry, fault
from brownout.hands import Hands, Turned
from faults._layers import WorldOnly
from faults._screws import Screw, turned
from faults._services import held_down

_Service: TypeAlias = Literal["sagemaker", "sts", "imds", "google_sts", "iam_credentials", "token"]


@fault(
    "control-plane-down",
    Entry(
        family="region",
        colour="#784212",
        sees="Endpoints answer as ever, but scaling them, describing them or getting new credentials for them fails.",
        seen=(
            (
                "AWS us-east-1, 2025-10-20: instances could not be launched for eight hours after the API was healthy, "
                "and sign-in by STS failed (https://aws.amazon.com/message/101925)"
            ),
            (
                "OpenAI, 2024-12-11: engineers locked out of the control plane they had to mend "
                "(https://status.openai.com/incidents/ctrsv3lwd797)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ControlPlaneDown(WorldOnly):
    """Control planes fail while the data plane is untouched.

    One of each stands for all regions of a world, so that it is down for all of them, wherever the fault is put. It
    has fired for each request that it refused by a status, and once for each service at whose address a call of its
    own was refused: other refused connections leave no trace.

    Attributes:
        how: ``5xx``: every request is answered by ``status``, in the service's own words. ``refused``: connections
            are refused.
        status: the HTTP status.
        services: which of them: SageMaker's control plane, or what gives out credentials. Callers serve on with those
            they have, until these expire.
    """

    how: Literal["5xx", "refused"] = "5xx"
    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 503
    services: Annotated[tuple[_Service, ...], msgspec.Meta(min_length=1)] = ("sagemaker",)

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Take them down."""
        del at
        return await turned(self._screws(hands))

    async def _screws(self, hands: Hands) -> AsyncIterator[Screw]:
        for name in dict.fromkeys(self.services):
            yield await held_down(hands.services[name], self.status if self.how == "5xx" else 0)
