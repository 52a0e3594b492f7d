"""A compressed body is understood or refused, not misread."""

import gzip

import msgspec

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="RFC 9110, 8.4 and 15.5.16: a coding that is not supported is refused (415)")
async def compressed_body(probe: Probe) -> None:
    """A request whose body is compressed by gzip is served, or refused as the caller's mistake (4xx)."""
    request = probe.request()
    headers = {**request.headers, "Content-Encoding": "gzip"}
    packed = msgspec.structs.replace(request, headers=headers, body=gzip.compress(request.body, mtime=0))
    exchange = await probe.send(packed, refusable=True)
    if exchange.status == 200:
        must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
    else:
        refused = exchange.status is not None and 400 <= exchange.status < 500
        must(refused, expected="200 or 4xx", observed=exchange.said())
