"""Replies say what is left of the quota."""

import re

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", needs=("rate-limit-headers",), source="Claude API reference, 'Rate limits': response headers")
async def rate_limit_headers(probe: Probe) -> None:
    """A reply says what is left of the caller's requests: limit, remaining, reset; numbers that can be true."""
    exchange = await probe.whole()
    found = {name: exchange.header(f"anthropic-ratelimit-requests-{name}") for name in ("limit", "remaining", "reset")}
    if not any(found.values()):
        raise probe.lacks(f"no anthropic-ratelimit-requests-limit in {exchange.said(80)}")
    limit, left = found["limit"], found["remaining"]
    true = limit.isdigit() and left.isdigit() and int(left) <= int(limit)
    must(true, expected="a limit of requests and no more that remain", observed=found)
    instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
    must(re.fullmatch(instant, found["reset"]), expected="an instant in RFC 3339", observed=found)
