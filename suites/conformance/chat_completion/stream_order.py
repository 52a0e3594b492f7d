"""The chunks of a completion come in their order."""

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe


@check(level="core", needs=("streaming",), source="OpenAI API reference, 'Streaming' of chat completions")
async def stream_order(probe: Probe) -> None:
    """A stream names the role first, says why it ended once, after all text, and ends in [DONE]."""
    events = probe.form.events((await probe.streamed()).body)
    must(events and events[-1].name == "[DONE]", expected="[DONE] at the end", observed=f"{events[-1:]}")
    choices = [choice for event in events[:-1] for choice in event.body["choices"]]
    must(choices, expected="chunks with choices", observed=f"{len(events)} events without any")
    equal("assistant", choices[0]["delta"].get("role"), "role in the first chunk")
    ends = [index for index, choice in enumerate(choices) if choice.get("finish_reason")]
    equal([len(choices) - 1], ends, "places of finish_reason among the choices")
