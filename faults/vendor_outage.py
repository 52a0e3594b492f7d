"""vendor-outage: one vendor's models fail at every cloud that hosts them."""

from dataclasses import dataclass

from brownout.fault import Entry, fault
from faults._refusing import Outage


@fault(
    "vendor-outage",
    Entry(
        family="region",
        colour="#641e16",
        sees="One vendor's models fail on every cloud at once, while all else on the same clouds works.",
        seen=(
            (
                "Anthropic, 2026-05-16: errors on the Claude API and, by report, on Claude in Bedrock "
                "(https://aiweekly.co, a single secondary source)"
            ),
            (
                "Anthropic, August and September 2025: the same faults on its own API, on Bedrock and on Vertex AI, by "
                "wrong answers and not by refusals "
                "(https://www.anthropic.com/engineering/a-postmortem-of-three-recent-issues)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class VendorOutage(Outage):
    """A vendor's models fail wherever they are hosted: put it at ``vendor:anthropic``.

    A second cloud is no help if it serves the same vendor's models. Where only some of them fail, the injection's
    models say which (``*claude-opus*``).

    Attributes:
        refusal: how they fail: ``internal`` (500), ``unavailable`` (503) or ``overloaded`` (503 or 529).
    """
