"""A whole reply is of the vendor's shape."""

from brownout.conformance import check
from fixtures.conform.judging import conforms, json_of
from fixtures.conform.probe import Probe


@check(level="core", source="{reference}: the reply's shape")
async def whole_reply(probe: Probe) -> None:
    """A reply that is not streamed has every member that the vendor's model requires, each of its type."""
    exchange = await probe.whole()
    conforms(probe.form.reply_model, json_of(exchange))
