"""A tool's call can be streamed."""

import json

from brownout.conformance import check
from brownout.wire import Tool, ToolCall
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe

_TOOL = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


@check(level="extended", needs=("tools", "streaming"), source="{reference}: tools in streams")
async def tool_call_streamed(probe: Probe) -> None:
    """A streamed call of a tool comes whole: its name, its id, and pieces of arguments that make up a JSON object."""
    ask = probe.asked("What is the weather in Paris?", tools=(_TOOL,), tool_choice="any", max_tokens=128, stream=True)
    events = probe.events(await probe.streamed(ask))
    calls = [event for event in events if isinstance(event, ToolCall)]
    equal(["get_weather"], [call.name for call in calls], "tools called")
    must(calls[0].id or not probe.form.names_calls, expected="a call with an id", observed=calls[0])
    must("city" in json.loads(calls[0].arguments), expected="the argument 'city'", observed=calls[0].arguments)
    equal("tool", probe.end(events).stop, "reason for the end")
