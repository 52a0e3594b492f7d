"""A tool that is only offered may be left alone."""

from brownout.conformance import check
from brownout.wire import Tool
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe

_TOOL = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


@check(level="extended", needs=("tools",), source="{reference}: tool choice 'none' (or no need for a tool)")
async def tools_need_not_be_called(probe: Probe) -> None:
    """A question that has nothing to do with the tool offered is answered in text."""
    answer = probe.answer(await probe.whole(probe.asked("Say hello.", tools=(_TOOL,))))
    equal([], [call.name for call in answer.calls], "tools called")
    must(answer.text, expected="a text", observed=repr(answer.text))
