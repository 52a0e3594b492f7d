"""slow-start: instances take longer to come into service."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import PoolFault


@fault(
    "slow-start",
    Entry(
        family="gpu",
        colour="#af601a",
        sees="Capacity that was asked for, or that restarts, does not come: what is short stays short for longer.",
        seen=(
            (
                "AWS us-east-1, 2025-10-20: new instances came up without a network for hours "
                "(https://aws.amazon.com/message/101925)"
            ),
            (
                "every scale-out of a large model: minutes go by over its image and its weights "
                "(AWS machine learning blog on SageMaker's container caching: 525 s for an 8B model)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}, and an instance that starts while it is on",
    ),
)
@dataclass(frozen=True, kw_only=True)
class SlowStart(PoolFault):
    """Images and weights come slowly; what is left of a start under way takes longer too, until the lift.

    Instances count whose start took longer: those that scale-out asks for, replacements, and processes that restart.

    Attributes:
        slowdown_ratio: how many times longer every stage of a start takes.
    """

    slowdown_ratio: Annotated[float, msgspec.Meta(gt=1.0, le=1000.0)] = 5.0

    def broken(self, shell: Shell) -> Toll:
        """Slow the starts."""
        return shell.turn(GpuPool.slow_starts, self.slowdown_ratio)
