"""The chunks of a completion belong together."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(
    level="core", needs=("streaming",), source="OpenAI API reference, 'The chat completion chunk object': id, created"
)
async def chunks_of_one_reply(probe: Probe) -> None:
    """All chunks of a stream bear one id, one model and one time of creation."""
    events = [event.body for event in probe.form.events((await probe.streamed()).body) if event.body]
    for name in ("id", "model", "created"):
        values = {event.get(name) for event in events}
        must(len(values) == 1, expected=f"one {name} in all chunks", observed=sorted(map(repr, values))[:3])
