"""A whole reply says something, and why it ended."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="core", source="{reference}: the reply's text and its stop reason")
async def whole_text(probe: Probe) -> None:
    """A reply that is not streamed bears a text, and the reason for which it ended."""
    exchange = await probe.whole()
    answer = probe.answer(exchange)
    must(answer.text, expected="a text", observed=exchange.said())
    must(answer.end, expected="a reason for the end", observed=exchange.said())
