"""A message may be made of parts."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="OpenAI API reference, 'Create chat completion': messages, array of content parts")
async def content_parts(probe: Probe) -> None:
    """A message whose content is a list of text parts is answered."""
    parts = [{"type": "text", "text": "Say"}, {"type": "text", "text": "hello."}]
    body = probe.body() | {"messages": [{"role": "user", "content": parts}]}
    exchange = await probe.whole(probe.with_body(body))
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
