"""A streamed reply says what its framing is."""

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import Probe


@check(
    level="core", needs=("streaming",), source="RFC 9110, 8.3; the vendors' SDKs choose their decoder by the media type"
)
async def streamed_content_type(probe: Probe) -> None:
    """A streamed reply has the media type of the vendor's streams."""
    exchange = await probe.streamed()
    equal(probe.form.stream_type, exchange.content_type, "Content-Type")
