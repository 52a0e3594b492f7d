"""A long prompt is read whole."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: context windows of 100,000 tokens and more")
async def big_prompt(probe: Probe) -> None:
    """A prompt of 40,000 characters (some 8,000 tokens) is answered."""
    exchange = await probe.whole(probe.asked("Say hello. " + "word " * 8000, max_tokens=8))
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
