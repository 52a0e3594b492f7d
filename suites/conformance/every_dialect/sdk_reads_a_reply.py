"""The vendor's SDK reads a whole reply."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe
from fixtures.conform.sdks import SDKS, said_by


@check(level="core", source="the vendor's SDK for Python, unmodified")
async def sdk_reads_a_reply(probe: Probe) -> None:
    """The vendor's own SDK, unmodified, gets a text out of a whole reply."""
    sdk = SDKS[probe.subject.dialect.name]
    said = await said_by(probe, sdk, sdk.whole)
    must(said, expected="a text", observed=repr(said))
