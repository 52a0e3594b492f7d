"""The base of faults in the services that give out credentials."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from brownout.dialects import dialect_named
from brownout.hands import Hands, Turned
from brownout.topology import Endpoint
from faults._layers import WorldOnly
from faults._screws import Screw, turned
from faults._services import held_down

_USERS: Mapping[str, frozenset[str]] = {
    "sts": frozenset({"sigv4"}),
    "imds": frozenset({"sigv4", "google-oauth"}),
    "token": frozenset({"google-oauth"}),
    "google_sts": frozenset({"google-oauth"}),
    "iam_credentials": frozenset({"google-oauth"}),
}
"""Whose callers get their credentials by which service, by how they prove who they are."""


def services_of(endpoint: Endpoint) -> list[str]:
    """Return the services by which an endpoint's callers can get their credentials; none where they have a key."""
    auth = dialect_named(endpoint.dialect).auth
    return [name for name, users in _USERS.items() if auth in users]


@dataclass(frozen=True, kw_only=True)
class ServiceDown(WorldOnly):
    """One of these services fails.

    One of each stands for a whole world: it fails for all who use it, wherever the fault is put. Credentials that were
    given out hold on. It counts requests that it refused or held, and a call of its own.

    Attributes:
        how: ``refused``: connections are refused. ``5xx``: every request is answered by ``status``, in the service's
            own words. ``slow``: every answer takes ``delay_s`` longer.
        status: the HTTP status, for 5xx.
        delay_s: for slow.
    """

    how: Literal["refused", "5xx", "slow"] = "refused"
    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 503
    delay_s: Annotated[float, msgspec.Meta(gt=0.0)] = 30.0

    @property
    def fails(self) -> str:
        """The service's name."""
        raise NotImplementedError

    def unfit(self, endpoint: Endpoint) -> str:
        """Return why it cannot act there: nobody needs the service to call that endpoint."""
        if self.fails in services_of(endpoint):
            return ""
        return f"no credential for it comes from {self.fails}; name an endpoint of {_whose(self.fails)}."

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Take it down."""
        del at
        return await turned(self._screws(hands))

    async def _screws(self, hands: Hands) -> AsyncIterator[Screw]:
        status = self.status if self.how == "5xx" else 0
        delay_s = self.delay_s if self.how == "slow" else 0.0
        yield await held_down(hands.services[self.fails], status, delay_s=delay_s)


def _whose(service: str) -> str:
    names = {"sigv4": "AWS", "google-oauth": "Google"}
    return " or ".join(sorted(names[auth] for auth in _USERS[service]))
