"""tls-broken: nobody who is careful can make a new connection over TLS."""

from collections.abc import Sequence
from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Hands, Turned, Untrusted
from faults._layers import WorldOnly
from faults._spoiling import AllSpoiled


@fault(
    "tls-broken",
    Entry(
        family="region",
        colour="#6c3483",
        sees="TLS handshakes fail: the certificate is not to be trusted, or the server quits. Open connections live.",
        seen=(
            "certificates that nobody renewed, everywhere and for as long as there have been any",
            "load balancers that serve the wrong site's certificate after a change",
            "proxies that break TLS open with an authority of their own, in many companies' networks",
        ),
        needs="a router that calls the endpoints over TLS (tls_url in world.json), and makes new connections",
        clocks=("real",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class TlsBroken(WorldOnly):
    """New handshakes with the endpoints go wrong.

    Whoever calls plainly notices nothing, and neither does a client of TLS 1.2 that resumes a session.

    Attributes:
        how: ``expired``: the certificate ended on 2025-01-01. ``wrong-host``: it is another host's.
            ``unknown-authority``: nobody knows who issued it. ``alert``: the server ends the handshake with the alert
            handshake_failure. ``closed``: it closes the connection after the client's hello, without a word.
    """

    how: Untrusted = "expired"

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Spoil the handshakes."""
        return AllSpoiled(lambda endpoint: hands.certificates.spoil(endpoint, self.how), at)
