"""The vendor's SDK recognises an error."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe
from fixtures.conform.sdks import SDKS, error_of


@check(level="core", source="the vendor's SDK for Python, unmodified")
async def sdk_raises_its_error(probe: Probe) -> None:
    """The vendor's own SDK, unmodified, raises its typed error for a model that does not exist."""
    sdk = SDKS[probe.subject.dialect.name]
    error = await error_of(probe, sdk, sdk.whole, "brownout-no-such-model")
    name = sdk.error(error)
    must(name in sdk.unknown_model, expected=" or ".join(sdk.unknown_model), observed=f"{name}: {error}")
