"""gpu-out-of-memory: long prompts take a step's memory, and every request in the step with it."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import PoolFault


@fault(
    "gpu-out-of-memory",
    Entry(
        family="gpu",
        colour="#b03a2e",
        sees="A long prompt fails, and all requests beside it: 500 or 424, an error in a stream; with vLLM a restart.",
        seen=(
            (
                "Azure OpenAI, 2025-05-16: larger requests, containers out of memory, intermittent 500s for an hour "
                "(https://status.insightsoftware.com)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}, and prompts that are long enough",
    ),
)
@dataclass(frozen=True, kw_only=True)
class GpuOutOfMemory(PoolFault):
    """Steps that begin a long prompt run out of GPU memory.

    vLLM's engine dies of it, restarts, and dies of the next. TGI and Triton fail the batch and go on. Behind SageMaker
    both are a 424. Lifted, an engine that died of it serves at once.

    Attributes:
        over_tokens: prompts of more tokens than this are too long; 0: all are.
    """

    over_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0

    def broken(self, shell: Shell) -> Toll:
        """Let long prompts be too long."""
        return shell.turn(GpuPool.burst_over, self.over_tokens)
