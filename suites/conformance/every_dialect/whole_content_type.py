"""A whole reply is JSON, and says so."""

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import Probe


@check(level="core", source="RFC 9110, 8.3; the vendors' SDKs read a body by its media type")
async def whole_content_type(probe: Probe) -> None:
    """A reply that is not streamed says that it is JSON."""
    exchange = await probe.whole()
    equal(probe.form.reply_type, exchange.content_type, "Content-Type")
