"""The reply names the tier that served it."""

from brownout.conformance import check
from fixtures.conform.judging import equal, json_of
from fixtures.conform.probe import Probe


@check(level="extended", needs=("service-tier",), source="Claude API reference, 'Service tiers': usage.service_tier")
async def service_tier(probe: Probe) -> None:
    """A request for the standard tier only is served by it, and its usage says so."""
    exchange = await probe.whole(probe.asked(tier="standard_only"))
    tier = json_of(exchange)["usage"].get("service_tier")
    if tier is None:
        raise probe.lacks(f"no usage.service_tier in {exchange.said(300)}")
    equal("standard", tier, "usage.service_tier")
