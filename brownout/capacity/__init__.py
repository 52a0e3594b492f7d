"""Capacity models: what stands behind an endpoint's wire. One file each, registered here in `Behind`.

The settings of a model are what a topology says under an endpoint's ``behind``:

    behind: {kind: on-demand, tokens_per_minute: 200000}

An endpoint without ``behind`` is `Paced`: its ``limits`` are all there is to it.
"""

import random
from typing import TypeAlias

from brownout.capacity.core import CapacityModel, Demand, Seat
from brownout.capacity.gpu_pool import GpuPoolSettings
from brownout.capacity.on_demand import OnDemand
from brownout.capacity.paced import Limits, Paced
from brownout.capacity.provisioned import Provisioned
from brownout.capacity.shared_quota import SharedQuota

__all__ = ["Behind", "CapacityModel", "Demand", "Limits", "Paced", "Seat", "make_capacity"]

Behind: TypeAlias = GpuPoolSettings | OnDemand | Provisioned | SharedQuota | None


def make_capacity(behind: Behind, limits: Limits, rng: random.Random) -> CapacityModel:  # noqa: TID251 - a type
    """Return the model of one endpoint, at rest.

    Args:
        behind: the model's settings; None for an endpoint that is only paced.
        limits: the endpoint's pace and plain bounds.
        rng: the endpoint's own.
    """
    return Paced(limits, rng) if behind is None else behind.make(limits, rng)
