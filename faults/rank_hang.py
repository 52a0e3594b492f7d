"""rank-hang: one GPU of an instance is gone; its requests hang while all looks well."""

from dataclasses import dataclass

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import InstanceFault


@fault(
    "rank-hang",
    Entry(
        family="gpu",
        colour="#a04000",
        sees="Requests hang without a byte and without an end; connections are accepted, health checks pass.",
        seen=(
            (
                "vLLM, PyTorch: a collective that never ends is noticed by the watchdog after 600 s "
                "(https://github.com/vllm-project/vllm/issues/7775)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}",
    ),
)
@dataclass(frozen=True, kw_only=True)
class RankHang(InstanceFault):
    """A tensor-parallel rank of an instance is lost.

    New requests are sent there all the same. After the pool's ``watchdog_s`` with a request stuck, the process aborts:
    connections are cut, and it restarts. Lifted before, what hung goes on; after, the instance serves at once.

    Attributes:
        instance: which of those in service as it comes on; 0 is the oldest.
    """

    def struck(self, shell: Shell, number: int) -> Toll:
        """Lose a rank."""
        return shell.turn(GpuPool.lose_rank, number)
