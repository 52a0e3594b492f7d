"""The reply names the capacity that served it."""

from brownout.conformance import check
from fixtures.conform.judging import json_of, must
from fixtures.conform.probe import Probe

_TYPES = ("ON_DEMAND", "ON_DEMAND_PRIORITY", "ON_DEMAND_FLEX", "ON_DEMAND_OFFPEAK", "PROVISIONED_THROUGHPUT")


@check(
    level="extended",
    needs=("service-tier",),
    source="Google's discovery document of aiplatform v1, UsageMetadata: trafficType",
)
async def traffic_type(probe: Probe) -> None:
    """A reply says by which kind of capacity it was served."""
    exchange = await probe.whole()
    served_by = json_of(exchange).get("usageMetadata", {}).get("trafficType")
    if served_by is None:
        raise probe.lacks(f"no trafficType in {exchange.said(300)}")
    must(served_by in _TYPES, expected=" or ".join(_TYPES), observed=repr(served_by))
