"""A body may come in chunks."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="RFC 9112, 7.1: a recipient must be able to read the chunked coding")
async def chunked_body(probe: Probe) -> None:
    """A request whose body comes in chunks, its length not told, is served (or refused with 411)."""
    exchange = await probe.send(probe.request(), in_chunks=True, refusable=True)
    must(exchange.status in {200, 411}, expected="200, or 411", observed=exchange.said())
