"""The vendor's SDK reads a streamed reply."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe
from fixtures.conform.sdks import SDKS, said_by


@check(level="core", needs=("streaming",), source="the vendor's SDK for Python, unmodified")
async def sdk_reads_a_stream(probe: Probe) -> None:
    """The vendor's own SDK, unmodified, gets a text out of a streamed reply, and why it ended."""
    sdk = SDKS[probe.subject.dialect.name]
    said = await said_by(probe, sdk, sdk.streamed)
    must(said, expected="a text", observed=repr(said))
