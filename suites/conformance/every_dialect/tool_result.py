"""What a tool gave is part of the conversation."""

from brownout.conformance import check
from brownout.wire import Tool
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

_TOOL = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
_QUESTION = "What is the weather in Paris?"


@check(level="extended", needs=("tools",), source="{reference}: a tool's result", requests=2)
async def tool_result(probe: Probe) -> None:
    """A conversation that goes on with what a tool gave is accepted, and answered in text."""
    ask = probe.asked(_QUESTION, tools=(_TOOL,), tool_choice="any", max_tokens=128)
    calls = probe.answer(await probe.whole(ask)).calls
    must(calls, expected="a tool's call", observed=probe.exchanges[-1].said())
    free = probe.asked(_QUESTION, tools=(_TOOL,))
    body = probe.body(free) | dict(probe.form.called(_QUESTION, calls[0], "18 degrees and sunny"))
    exchange = await probe.whole(probe.with_body(body, free))
    must(probe.answer(exchange).text, expected="a text", observed=exchange.said())
