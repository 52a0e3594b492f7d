"""HEAD generates nothing."""

import msgspec

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="core", source="RFC 9110, 9.2.1: HEAD is safe; the vendors' operations are POST")
async def head_refused(probe: Probe) -> None:
    """HEAD on the operation's path is refused (4xx): it must not answer as if it had been asked something."""
    request = msgspec.structs.replace(probe.request(), method="HEAD", body=b"")
    exchange = await probe.send(request, refusable=True)
    refused = exchange.status is not None and 400 <= exchange.status < 500
    must(refused, expected="4xx", observed=exchange.said())
