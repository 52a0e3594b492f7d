"""Replies say what is left of the quota."""

import re

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

_NAMES = [f"x-ratelimit-{what}-{of}" for of in ("requests", "tokens") for what in ("limit", "remaining", "reset")]


@check(level="extended", needs=("rate-limit-headers",), source="OpenAI's guide 'Rate limits': headers")
async def rate_limit_headers(probe: Probe) -> None:
    """A reply says what is left of the caller's requests and tokens, in numbers that can be true."""
    exchange = await probe.whole()
    found = {name: exchange.header(name) for name in _NAMES if exchange.header(name)}
    if not found:
        raise probe.lacks(f"none of {', '.join(_NAMES)} in {exchange.said(80)}")
    for of in ("requests", "tokens"):
        limit, left = found.get(f"x-ratelimit-limit-{of}", ""), found.get(f"x-ratelimit-remaining-{of}", "")
        true = limit.isdigit() and left.isdigit() and int(left) <= int(limit)
        must(true, expected=f"a limit of {of} and no more that remain", observed=found)
        reset = found.get(f"x-ratelimit-reset-{of}", "")
        must(re.fullmatch(r"([0-9.]+(ms|h|m|s))+", reset), expected="a duration such as 6m0s", observed=found)
