"""Whoever does not say who calls is not answered."""

from brownout.conformance import check
from fixtures.conform.probe import Probe


@check(level="core", needs=("auth",), source="{reference}")
async def missing_credentials_refused(probe: Probe) -> None:
    """A request without credentials is refused, as an error of the vendor's shape."""
    exchange = await probe.send(probe.request(), signed=False, refusable=True)
    if exchange.status == 200:
        raise probe.lacks("it answers 200 to a request without credentials")
    probe.refused(exchange, *probe.form.unauthenticated, kinds=("unauthenticated", "denied"))
