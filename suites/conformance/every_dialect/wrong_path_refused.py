"""A path that is not there is not there."""

import msgspec

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

_FAULT = b'"__type":"com.amazon.coral.service#UnknownOperationException"'
"""What Bedrock's runtime says with a status of 200 (public captures; an ARN whose slash is not encoded ends there)."""


@check(level="core", source="RFC 9110, 15.5.5; the vendors' SDKs raise their own error for 404")
async def wrong_path_refused(probe: Probe) -> None:
    """A request to a path that the API does not have is refused with 404 (or 403; or Bedrock's fault), not answered."""
    request = msgspec.structs.replace(probe.request(), path="/brownout/no-such-path")
    exchange = await probe.send(request, refusable=True)
    is_fault = probe.subject.dialect.host == "bedrock" and _FAULT in exchange.body
    must(exchange.status in {403, 404} or is_fault, expected="404 or 403", observed=exchange.said())
