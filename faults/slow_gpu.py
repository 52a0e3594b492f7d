"""slow-gpu: every step of the GPUs takes longer."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import msgspec

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import PoolFault


@fault(
    "slow-gpu",
    Entry(
        family="gpu",
        colour="#e59866",
        sees="Tokens come more slowly, first ones too; under load a queue grows, though nothing fails.",
        seen=("every day: a GPU that is too hot lowers its clock, and with it every rank that waits for it",),
        needs="an endpoint with behind: {kind: gpu-pool}",
    ),
)
@dataclass(frozen=True, kw_only=True)
class SlowGpu(PoolFault):
    """The GPUs of a pool are throttled. Requests count that were in a step that took longer.

    Attributes:
        slowdown_ratio: how many times longer steps take.
    """

    slowdown_ratio: Annotated[float, msgspec.Meta(gt=1.0, le=1000.0)] = 4.0

    def scaled(self, strength: float) -> Self:
        """Return it with a part of the delay."""
        return replace(self, slowdown_ratio=1.0 + strength * (self.slowdown_ratio - 1.0))

    def broken(self, shell: Shell) -> Toll:
        """Slow the steps."""
        return shell.turn(GpuPool.slow_steps, self.slowdown_ratio)
