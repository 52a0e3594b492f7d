"""instance-loss: machines with GPUs are gone."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import msgspec

from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import PoolFault, pool_of


@fault(
    "instance-loss",
    Entry(
        family="gpu",
        colour="#ba4a00",
        sees="Connections to the machines are cut; the rest carries the load, or nobody listens any more.",
        seen=(
            (
                "OpenAI, 2025-06-10: GPU nodes lost their network, a quarter of API requests failed for six hours "
                "(https://status.openai.com)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}",
    ),
)
@dataclass(frozen=True, kw_only=True)
class InstanceLoss(PoolFault):
    """Machines of a pool are lost, the newest first.

    Replacements are asked for at once, and come up through all stages where the pool has ``spare_instances`` (add
    ``no-instances`` where they are not to). Requests count that were cut or turned away, or that shared an instance
    with others because one was missing. After the lift they serve at once; on a ramp down they come back one by one.

    Attributes:
        instances: how many; all, where other faults have left fewer.
    """

    instances: Annotated[int, msgspec.Meta(ge=1)] = 1

    def too_small(self, behind: GpuPoolSettings) -> str:
        """Return why it cannot act on such a pool."""
        if self.instances <= behind.instances:
            return ""
        return f"its pool has {behind.instances} instances, and {self.instances} cannot be lost."

    def scaled(self, strength: float) -> Self:
        """Return the loss of a part of them, at least one."""
        return replace(self, instances=max(round(strength * self.instances), 1))

    def broken(self, shell: Shell) -> Toll:
        """Lose the machines, or as many as other faults have left."""
        there = min(self.instances, len(pool_of(shell).instances))
        return shell.turn(GpuPool.lose_instances, there) if there else Toll()
