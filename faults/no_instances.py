"""no-instances: no further machine with a GPU can be had."""

from dataclasses import dataclass

from brownout.capacity.gpu_pool import GpuPool
from brownout.capacity.toll import Toll
from brownout.fault import Entry, fault
from brownout.hands import Shell
from faults._pools import PoolFault


@fault(
    "no-instances",
    Entry(
        family="gpu",
        colour="#6e2c00",
        sees="Scale-out and replacements fail with InsufficientInstanceCapacity: a pool that is short stays short.",
        seen=(
            (
                "AWS us-east-1, 2025-10-20: launches of new instances failed for eight hours more, cause mended "
                "(https://aws.amazon.com/message/101925)"
            ),
            (
                "every day for the sought-after types: EC2's InsufficientInstanceCapacity, Google's "
                "ZONE_RESOURCE_POOL_EXHAUSTED (https://github.com/kubernetes/k8s.io/issues/9834)"
            ),
        ),
        needs="an endpoint with behind: {kind: gpu-pool}, and a scale-out or an instance-loss while it is on",
    ),
)
@dataclass(frozen=True, kw_only=True)
class NoInstances(PoolFault):
    """No machine can be had; it is asked for again and again, and had soon after the lift.

    It counts machines that were asked for and refused, at every attempt. On its own it breaks nothing: combine it with
    ``instance-loss``, or with a target that scales its pool.
    """

    def broken(self, shell: Shell) -> Toll:
        """Withhold machines."""
        return shell.turn(GpuPool.withhold_instances)
