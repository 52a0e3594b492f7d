"""lost-permission: who calls is known, and not allowed any more."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Hands
from brownout.identity.harms import Harm
from faults._harms import HarmFault


@fault(
    "lost-permission",
    Entry(
        family="identity",
        colour="#21618c",
        sees="Every call is a 403: AccessDeniedException on AWS, IAM_PERMISSION_DENIED on Google.",
        seen=("every day: a policy is tidied up, and the role that serves loses what it needs",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class LostPermission(HarmFault):
    """The role or the service account that opens an endpoint has lost its permission there.

    Credentials are good, new ones too, and no retry helps. Requests count that were refused for this alone.
    """

    @property
    def unharmed(self) -> dict[str, str]:
        """Keys of OpenAI's and Anthropic's own APIs."""
        return {
            "api-key": "its API key has no permissions to lose. revoked-credentials refuses it; or name an endpoint "
            "of AWS or Google."
        }

    def harm(self, hands: Hands) -> Harm:
        """Deny everybody."""
        del hands
        return Harm("denied")
