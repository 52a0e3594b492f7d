"""The reply names the capacity that served it."""

from brownout.conformance import check
from fixtures.conform.judging import json_of, must
from fixtures.conform.probe import Probe


@check(
    level="extended",
    feature="service-tier",
    source="Google's discovery document of aiplatform v1, UsageMetadata: trafficType",
)
async def traffic_type(probe: Probe) -> None:
    """A reply says by which kind of capacity it was served."""
    exchange = await probe.whole()
    must(json_of(exchange)["usageMetadata"].get("trafficType"), expected="trafficType", observed=exchange.said())
