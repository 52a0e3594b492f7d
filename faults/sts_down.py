"""sts-down: AWS STS gives out no sessions."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from faults._credential_services import ServiceDown


@fault(
    "sts-down",
    Entry(
        family="identity",
        colour="#1f618d",
        sees="AssumeRole fails or hangs; endpoints answer as ever until sessions end, and then refuse all.",
        seen=(
            "AWS us-east-1, 2025-10-20: sign-in by STS and IAM failed with the region (https://aws.amazon.com/message/101925)",
        ),
        needs="a target whose sessions come from STS (docs/identity.md); one with keys of its own never notices",
    ),
)
@dataclass(frozen=True, kw_only=True)
class StsDown(ServiceDown):
    """AWS STS fails, for all regions of the world. Sessions that were given out hold on.

    It counts requests that STS refused or held, and a call of its own.

    Attributes:
        how: ``refused``: connections are refused. ``5xx``: every request is answered by ``status``, in STS's words.
            ``slow``: every answer takes ``delay_s`` longer.
        status: the HTTP status, for 5xx.
        delay_s: for slow.
    """

    @property
    def fails(self) -> str:
        """STS."""
        return "sts"
