"""The events of a message come in their order."""

import re

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe

_ORDER = re.compile(
    r"message_start (content_block_start (content_block_delta )*content_block_stop )+message_delta message_stop"
)


@check(level="core", needs=("streaming",), source="Claude API reference, 'Streaming messages': event flow")
async def stream_order(probe: Probe) -> None:
    """A stream is message_start, blocks (start, deltas, stop), message_delta, message_stop, each named by its type."""
    events = probe.form.events((await probe.streamed()).body)
    own = [event for event in events if event.name not in {"ping", "vertex_event"}]
    for event in own:
        equal(event.body.get("type"), event.name, "name of the event")
    flow = " ".join(event.name for event in own)
    must(_ORDER.fullmatch(flow), expected="the flow of events that the vendor documents", observed=flow[:300])
    blocks = [event.body["index"] for event in own if event.name == "content_block_start"]
    equal(list(range(len(blocks))), blocks, "indices of the blocks")
