"""A bound that cannot be is refused."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: max_tokens is at least 1")
async def negative_max_tokens_refused(probe: Probe) -> None:
    """A max_tokens of -1 is refused with 400, as an error of the vendor's shape."""
    exchange = await probe.send(probe.request(probe.asked(max_tokens=-1)), refusable=True)
    probe.refused(exchange, *probe.form.invalid, kinds=("invalid",))
