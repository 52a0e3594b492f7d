"""A tool that must be called is called."""

import json

from brownout.conformance import check
from brownout.wire import Tool
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe

_TOOL = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


@check(level="extended", needs=("tools",), source="{reference}: tools and tool choice")
async def tool_call(probe: Probe) -> None:
    """A tool that must be called is called: by its name, with an id, with arguments that are a JSON object."""
    ask = probe.asked("What is the weather in Paris?", tools=(_TOOL,), tool_choice="any", max_tokens=128)
    exchange = await probe.whole(ask)
    answer = probe.answer(exchange)
    equal(["get_weather"], [call.name for call in answer.calls], "tools called")
    must(answer.calls[0].id or not probe.form.names_calls, expected="a call with an id", observed=answer.calls[0])
    arguments = json.loads(answer.calls[0].arguments)
    must(isinstance(arguments, dict) and "city" in arguments, expected="the argument 'city'", observed=arguments)
    equal("tool", answer.end.stop if answer.end else "", "reason for the end")
