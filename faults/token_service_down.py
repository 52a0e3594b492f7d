"""token-service-down: Google gives out no tokens."""

from dataclasses import dataclass
from typing import Literal

from brownout.fault import Entry, fault
from faults._credential_services import ServiceDown


@fault(
    "token-service-down",
    Entry(
        family="identity",
        colour="#117a65",
        sees="No new token for Vertex; those that are out hold for an hour at most, and then every call is a 401.",
        seen=(
            (
                "Google Cloud, 2025-06-12: 503 to API requests of every kind, in all regions at once "
                "(https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)"
            ),
        ),
        needs="a target whose tokens come from that service; see docs/identity.md",
    ),
)
@dataclass(frozen=True, kw_only=True)
class TokenServiceDown(ServiceDown):
    """One of Google's three ways to a token fails. Tokens that were given out hold on.

    It counts requests that the service refused or held, and a call of its own.

    Attributes:
        service: ``token``: a service account's own (oauth2.googleapis.com). ``google_sts`` and ``iam_credentials``: the
            exchange and the impersonation of workload identity federation.
        how: ``refused``: connections are refused. ``5xx``: every request is answered by ``status``, in the service's
            words. ``slow``: every answer takes ``delay_s`` longer.
        status: the HTTP status, for 5xx.
        delay_s: for slow.
    """

    service: Literal["token", "google_sts", "iam_credentials"] = "token"

    @property
    def fails(self) -> str:
        """The service's name."""
        return self.service
