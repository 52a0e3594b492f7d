"""A bound on the answer's length is kept."""

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import LONG_PROMPT, Probe


@check(level="core", source="{reference}: max_tokens and the stop reason that goes with it")
async def stops_at_max_tokens(probe: Probe) -> None:
    """An answer that reaches max_tokens ends there, and says that this is why."""
    exchange = await probe.whole(probe.asked(LONG_PROMPT, max_tokens=8))
    end = probe.answer(exchange).end
    must(end, expected="a reason for the end", observed=exchange.said())
    equal("length", end.stop if end else "", "reason for the end")
