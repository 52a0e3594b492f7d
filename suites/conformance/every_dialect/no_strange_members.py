"""A reply holds nothing that the vendor's does not."""

from brownout.conformance import check
from fixtures.conform.judging import conforms, json_of
from fixtures.conform.probe import Probe


@check(
    level="extended",
    source="{reference}: the reply's shape",
)
async def no_strange_members(probe: Probe) -> None:
    """A whole reply has no member that the vendor's model does not name: strict clients refuse those."""
    exchange = await probe.whole()
    conforms(probe.form.reply_model, json_of(exchange), strictly=True)
