"""The reply names the tier that served it."""

from brownout.conformance import check
from fixtures.conform.judging import equal, json_of
from fixtures.conform.probe import Probe


@check(level="extended", needs=("service-tier",), source="OpenAI API reference, 'Create chat completion': service_tier")
async def service_tier(probe: Probe) -> None:
    """A request for the default service tier is served by it, and its reply says so."""
    exchange = await probe.whole(probe.asked(tier="default"))
    tier = json_of(exchange).get("service_tier")
    if tier is None:
        raise probe.lacks(f"no service_tier in {exchange.said(120)}")
    equal("default", tier, "service_tier")
