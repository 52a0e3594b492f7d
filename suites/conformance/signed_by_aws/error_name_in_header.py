"""An error's name stands in its header."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="AWS restJson1 protocol: operation error serialization, x-amzn-errortype")
async def error_name_in_header(probe: Probe) -> None:
    """An error's name stands in the header x-amzn-ErrorType, where clients that do not parse the body look for it."""
    body = probe.body()
    del body[probe.form.required]
    exchange = await probe.send(probe.with_body(body), refusable=True)
    probe.refused(exchange, *probe.form.invalid)
    must(exchange.header("x-amzn-errortype"), expected="x-amzn-ErrorType", observed=dict(exchange.headers))
