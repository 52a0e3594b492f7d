"""quota-shrink: the quota falls below what was bought or granted."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.shares import Shrinkable
from brownout.fault import Entry, fault
from brownout.hands import Hands, Shell, Turned
from brownout.topology import Endpoint
from faults._layers import WorldOnly
from faults._screws import Screw, turned


@fault(
    "quota-shrink",
    Entry(
        family="throttling",
        colour="#ca6f1e",
        sees="A load that the quota carried yesterday is refused in part, or spills to on-demand: 429 by load alone.",
        seen=(
            (
                "Azure OpenAI: limits lowered for hours, seen in x-ratelimit-limit-tokens "
                "(https://developersdigest.tech/errors/api/azure-openai)"
            ),
            (
                "Amazon Bedrock on demand, a shared pool: throttled below the account's quota "
                "(https://repost.aws/questions/QU11DRlMZfRDy0ngHxpO1VCw)"
            ),
            "every quota that somebody lowers by mistake, or by a form that was not filled in again",
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class QuotaShrink(WorldOnly):
    """Only a share of the quota is in force; nothing is refused but what does not fit.

    It has fired for every request that was refused, or spilled to on-demand, and would have had room in the whole
    quota at that moment. Two at once leave the product of their ratios, and each counts what they refuse together.

    Attributes:
        ratio: the share that is left (ratio); 0 for nothing.
    """

    ratio: Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)] = 0.5

    def unfit(self, endpoint: Endpoint) -> str:
        """Return why there is no quota to shrink; empty where there is one."""
        behind = endpoint.behind
        if isinstance(behind, GpuPoolSettings):
            return "GPUs have no quota; take capacity from them by a fault of the gpu family."
        if behind is None and endpoint.limits.rate_rps is None:
            return "its limits have no rate_rps, so that it has no quota; set limits.rate_rps, or behind."
        if isinstance(behind, OnDemand) and not behind.accounts():
            return "only a pool stands behind it, and no quota; set tokens_per_minute or the like."
        return ""

    def scaled(self, strength: float) -> "QuotaShrink":
        """Return a shrinking by a part of what is lost."""
        return dataclasses.replace(self, ratio=1.0 - (1.0 - self.ratio) * strength)

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Hold the quotas down."""
        return await turned(self._screw(hands.shells[name]) for name in at)

    def _screw(self, shell: Shell) -> Screw:
        capacity = shell.capacity
        assert isinstance(capacity, Shrinkable)  # `unfit` has seen to it
        toll = shell.turn(Shrinkable.hold_down, self.ratio)

        async def back() -> None:
            shell.turn(Shrinkable.let_up, toll)

        return Screw(acted=lambda: toll.acts, back=back, is_back=lambda: not capacity.shares.holds(toll))
