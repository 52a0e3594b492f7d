"""provider-outage: a provider, or a whole cloud, answers with errors everywhere."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.fault import Entry, Exchange, fault
from brownout.wire import Refusal
from faults._refusing import Outage


@fault(
    "provider-outage",
    Entry(
        family="region",
        colour="#7f0000",
        sees="Every request to the provider fails by a server's error, in all regions: another region is no help.",
        seen=(
            (
                "Google Cloud, 2025-06-12: the layer that checks policy and quota crashed everywhere, 503 "
                "(https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)"
            ),
            "OpenAI, 2024-12-11: 500 (https://status.openai.com/incidents/ctrsv3lwd797)",
            "Anthropic, March 2026: 500 and 529, again and again (https://status.anthropic.com)",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ProviderOutage(Outage):
    """A provider, or a whole cloud, fails everywhere.

    Attributes:
        refusal: how it fails, in the words every dialect translates: ``internal`` (500), ``unavailable`` (503) or
            ``overloaded`` (503 or 529).
        retry_after_s: when it says to come back, in seconds, in the provider's own form (RFC 9110, 10.2.3, has
            Retry-After for 503 first of all); null when it does not say.
    """

    retry_after_s: Annotated[float, msgspec.Meta(ge=0.0)] | None = None

    def said(self, exchange: Exchange) -> Refusal:
        """Return the error."""
        usual = super().said(exchange)
        return Refusal(usual.kind, usual.message, retry_after_s=self.retry_after_s)
