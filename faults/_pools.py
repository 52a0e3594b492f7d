"""The base of faults in pools of GPUs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from brownout.capacity.toll import Toll
from brownout.hands import Hands, Shell, Turned
from brownout.topology import Endpoint
from faults._layers import WorldOnly
from faults._screws import Screw, turned


class PoolFault(WorldOnly, ABC):
    """Breaks something in the pool behind every one of its endpoints."""

    @abstractmethod
    def broken(self, shell: Shell) -> Toll:
        """Break it, by a screw of `GpuPool`."""

    def unfit(self, endpoint: Endpoint) -> str:
        """Return why it cannot act there: no pool, or not enough in it."""
        behind = endpoint.behind
        if isinstance(behind, GpuPoolSettings):
            return self.too_small(behind)
        return (
            "no pool of GPUs stands behind it. Give the endpoint one in its topology: "
            "behind: {kind: gpu-pool, instances: 2} (see docs/capacity.md), or name one that has it."
        )

    def too_small(self, behind: GpuPoolSettings) -> str:
        """Return why it cannot act on such a pool; empty when it can."""
        del behind
        return ""

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Break it everywhere."""
        return await turned(self._screw(hands.shells[name]) for name in at)

    def _screw(self, shell: Shell) -> Screw:
        toll = self.broken(shell)

        async def back() -> None:
            shell.turn(GpuPool.undo, toll)

        return Screw(acted=lambda: toll.acts, back=back, is_back=lambda: not pool_of(shell).in_force(toll))


def pool_of(shell: Shell) -> GpuPool:
    """Return the pool behind an endpoint that has one."""
    pool = shell.capacity
    assert isinstance(pool, GpuPool)
    return pool


@dataclass(frozen=True, kw_only=True)
class InstanceFault(PoolFault):
    """Breaks one instance of a pool; nothing, where other faults have left none of that number in service.

    Attributes:
        instance: which of those in service as it comes on; 0 is the oldest.
    """

    instance: Annotated[int, msgspec.Meta(ge=0)] = 0

    def too_small(self, behind: GpuPoolSettings) -> str:
        """Return why it cannot act on such a pool."""
        if self.instance < behind.instances:
            return ""
        return f"there is no instance {self.instance}, its pool has {behind.instances}; the first is instance 0."

    def broken(self, shell: Shell) -> Toll:
        """Break the instance, where there is one."""
        serving = pool_of(shell).serving
        if self.instance >= len(serving):
            return Toll()
        try:
            return self.struck(shell, serving[self.instance])
        except ValueError:  # it went out of service at this very instant
            return Toll()

    @abstractmethod
    def struck(self, shell: Shell, number: int) -> Toll:
        """Break the instance of that number, by a screw of `GpuPool` that raises ValueError where it is not there."""
