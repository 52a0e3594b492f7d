"""A connection serves more than one request."""

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe


@check(level="core", source="RFC 9112, 9.3: connections persist unless one side says otherwise", requests=3)
async def keep_alive(probe: Probe) -> None:
    """Three requests after each other go over one connection."""
    for _ in range(3):
        exchange = await probe.send(probe.request(probe.asked(max_tokens=16)))
        must(exchange.status, expected="a reply", observed=exchange.said())
    equal(1, probe.connections, "connections")
