"""engine-death: the process that drives an instance's GPUs dies."""

from dataclasses import dataclass

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import InstanceFault


@fault(
    "engine-death",
    Entry(
        family="gpu",
        colour="#cb4335",
        sees="Requests in flight fail (500, or an error in the stream); then connections are refused until weights "
        "are loaded again.",
        seen=(
            (
                "vLLM: EngineDeadError after a CUDA error, and the server exits "
                "(https://github.com/vllm-project/vllm/issues/20170)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}",
    ),
)
@dataclass(frozen=True, kw_only=True)
class EngineDeath(InstanceFault):
    """An instance's engine dies, once.

    It restarts by itself, in ``weights_s`` and ``start_s`` of the pool; lifted before, it serves at once. Behind
    SageMaker callers see a 424, then 503. Requests count that failed or were turned away, or that shared an instance
    with others because this one was missing.

    Attributes:
        instance: which of those in service as it comes on; 0 is the oldest.
    """

    def struck(self, shell: Shell, number: int) -> Toll:
        """Kill the engine."""
        return shell.turn(GpuPool.kill_engine, number)
