"""revoked-credentials: somebody has taken back what opens an endpoint."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Hands
from brownout.identity.harms import Harm
from faults._harms import HarmFault


@fault(
    "revoked-credentials",
    Entry(
        family="identity",
        colour="#154360",
        sees="Every call is refused, with new credentials too: 403 with an explicit deny on AWS, 401 elsewhere.",
        seen=(
            "every day: a key that was found in a public repository and taken back by its provider",
            "every day: a role whose sessions were revoked in an incident, and its deny left in place",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class RevokedCredentials(HarmFault):
    """What opens an endpoint is revoked, and renewing it is no help; after the lift, the same credentials are good.

    AWS denies the role everything, Google takes no token of the service account, OpenAI and Anthropic do not know the
    key. Requests count that were refused for this alone.
    """

    @property
    def unharmed(self) -> dict[str, str]:
        """None: whatever opens an endpoint can be taken back."""
        return {}

    def harm(self, hands: Hands) -> Harm:
        """Refuse all credentials."""
        del hands
        return Harm("revoked")
