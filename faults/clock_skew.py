"""clock-skew: caller and endpoint do not agree on the time."""

import datetime as dt
from dataclasses import dataclass

from brownout.fault import Entry, fault
from brownout.hands import Hands
from brownout.identity import SKEW
from brownout.identity.harms import Harm
from faults._harms import HarmFault

_TIMELESS = "its callers sign nothing that bears a time; name an endpoint of AWS, or see expired-tokens."
_BORNE_S = SKEW.total_seconds()


@fault(
    "clock-skew",
    Entry(
        family="identity",
        colour="#0e6251",
        sees="Every signed call is a 403: signature expired, or not yet current. Nothing else is wrong.",
        seen=("every day: a virtual machine that slept, a host without a time server",),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ClockSkew(HarmFault):
    """An endpoint's clock is off, so that good signatures are refused, and those of new credentials too.

    Requests count that the right clock would have let in.

    Attributes:
        skew_s: how far the endpoint's clock is ahead of the callers'; below 0, behind. Within five minutes nothing is
            refused.
    """

    skew_s: float = 900.0

    def __post_init__(self) -> None:
        """Refuse what nobody would notice."""
        if not _BORNE_S < abs(self.skew_s) < dt.timedelta.max.total_seconds():
            raise ValueError(f"skew_s must be beyond {_BORNE_S:g} or -{_BORNE_S:g}, which signatures bear")

    @property
    def unharmed(self) -> dict[str, str]:
        """Bearers of tokens and keys."""
        return {"api-key": _TIMELESS, "google-oauth": _TIMELESS}

    def harm(self, hands: Hands) -> Harm:
        """Let the endpoint's clock be off."""
        del hands
        return Harm(None, skew=dt.timedelta(seconds=self.skew_s))
