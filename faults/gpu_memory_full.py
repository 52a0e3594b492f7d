"""gpu-memory-full: most of the KV cache is taken; requests wait without an error, and streams stall."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import msgspec

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import PoolFault


@fault(
    "gpu-memory-full",
    Entry(
        family="gpu",
        colour="#d35400",
        sees="No error: first tokens come later and later, streams stall in the middle and go on, the queue grows.",
        seen=(
            (
                "every vLLM server with more demand than its KV cache holds: requests are preempted and recomputed "
                "(https://docs.vllm.ai, Optimization and Tuning)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}, and enough load to fill what is left",
    ),
)
@dataclass(frozen=True, kw_only=True)
class GpuMemoryFull(PoolFault):
    """The KV caches of a pool shrink.

    vLLM takes places away from the newest requests and computes them again later; servers that reserve (TGI, Triton)
    let in fewer. What fits into no cache any more waits until the end. Requests count that would have had a place in a
    whole cache.

    Attributes:
        left_ratio: what is left of every cache.
    """

    left_ratio: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.05

    def scaled(self, strength: float) -> Self:
        """Return it with a part of what it takes."""
        return replace(self, left_ratio=1.0 - strength * (1.0 - self.left_ratio))

    def broken(self, shell: Shell) -> Toll:
        """Shrink the caches."""
        return shell.turn(GpuPool.shrink_kv, self.left_ratio)
