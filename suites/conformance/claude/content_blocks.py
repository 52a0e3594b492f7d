"""A message may be made of blocks."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="Claude API reference, 'Messages': content, array of blocks")
async def content_blocks(probe: Probe) -> None:
    """A message whose content is a list of text blocks is answered."""
    blocks = [{"type": "text", "text": "Say"}, {"type": "text", "text": "hello."}]
    body = probe.body() | {"messages": [{"role": "user", "content": blocks}]}
    exchange = await probe.whole(probe.with_body(body))
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
