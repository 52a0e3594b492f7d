"""expired-tokens: credentials that were good a moment ago have expired."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Hands
from brownout.identity.harms import Harm
from faults._harms import HarmFault


@fault(
    "expired-tokens",
    Entry(
        family="identity",
        colour="#5dade2",
        sees="Every call with credentials of before is refused as expired (403 ExpiredToken, 401); new ones are good.",
        seen=(
            "every day: a token kept beyond its hour, a session that outlived the machine's clock, a cache of tokens",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ExpiredTokens(HarmFault):
    """All sessions, tokens and Bedrock API keys that open an endpoint end as the fault comes on.

    Whoever renews them is let in. Keys that cannot be renewed (those in ``world.json``) are refused until the lift,
    and good again then. Requests count that were refused for this alone.
    """

    @property
    def unharmed(self) -> dict[str, str]:
        """Keys of OpenAI's and Anthropic's own APIs."""
        return {"api-key": "its API key never expires. Use revoked-credentials, or name an endpoint of AWS or Google."}

    def harm(self, hands: Hands) -> Harm:
        """Let what was given out before now be expired."""
        return Harm("expired", issued_before=hands.clock.utc())
