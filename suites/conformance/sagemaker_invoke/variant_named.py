"""The reply names the variant that answered."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="botocore's sagemaker-runtime service model, InvokeEndpoint: InvokedProductionVariant")
async def variant_named(probe: Probe) -> None:
    """A reply names the production variant that answered."""
    exchange = await probe.whole()
    variant = exchange.header("x-amzn-invoked-production-variant")
    must(variant, expected="x-Amzn-Invoked-Production-Variant", observed=dict(exchange.headers))
