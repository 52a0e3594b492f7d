"""imds-down: the machine's metadata service gives out no credentials."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from faults._credential_services import ServiceDown


@fault(
    "imds-down",
    Entry(
        family="identity",
        colour="#2874a6",
        sees="The machine loses its identity: nothing that starts from its role can be renewed, on AWS or on Google.",
        seen=("every day: a container one hop too far from its machine, a proxy in the way, too many calls a second",),
        needs="a target whose credentials begin at the metadata service (docs/identity.md)",
    ),
)
@dataclass(frozen=True, kw_only=True)
class ImdsDown(ServiceDown):
    """The instance metadata service fails. Credentials that it gave out hold on.

    It counts requests that the service refused or held, and a call of its own.

    Attributes:
        how: ``refused``: connections are refused. ``5xx``: every request is answered by ``status``. ``slow``: every
            answer takes ``delay_s`` longer; most SDKs give up after a second.
        status: the HTTP status, for 5xx.
        delay_s: for slow.
    """

    @property
    def fails(self) -> str:
        """The metadata service."""
        return "imds"
