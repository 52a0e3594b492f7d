"""A caller may ask before it sends the body."""

import asyncio

from brownout.conformance import Broken, check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

_WITHIN_S = 5.0


@check(level="extended", source="RFC 9110, 10.1.1: a server sends 100 or a final status")
async def expect_continue(probe: Probe) -> None:
    """A request with Expect: 100-continue is told to go on (or is answered at once), and is served."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            exchange = await probe.whole(expect_continue=True)
    except TimeoutError:
        raise Broken(expected="100 Continue, or an answer", observed=f"neither within {_WITHIN_S:g} s") from None
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
