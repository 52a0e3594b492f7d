"""The reply names the tier that served it."""

from brownout.conformance import check
from fixtures.conform.judging import equal, json_of
from fixtures.conform.probe import Probe


@check(
    level="extended", needs=("service-tier",), source="botocore's bedrock-runtime service model, Converse: serviceTier"
)
async def service_tier(probe: Probe) -> None:
    """A request for the default service tier is served by it, and its reply says so."""
    exchange = await probe.whole(probe.asked(tier="default"))
    tier = json_of(exchange).get("serviceTier")
    if tier is None:
        raise probe.lacks(f"no serviceTier in {exchange.said(300)}")
    equal({"type": "default"}, tier, "serviceTier")
