"""The events of a conversation's answer come in their order."""

import re

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe

_ORDER = re.compile(r"messageStart ((contentBlockStart )?(contentBlockDelta )+contentBlockStop )+messageStop metadata")


@check(level="core", needs=("streaming",), source="botocore's bedrock-runtime service model, ConverseStreamOutput")
async def stream_order(probe: Probe) -> None:
    """A stream is messageStart, blocks of deltas and a stop, messageStop, metadata."""
    events = probe.form.events((await probe.streamed()).body)
    flow = " ".join(event.name for event in events)
    must(_ORDER.fullmatch(flow), expected="the flow of events that the vendor documents", observed=flow[:300])
    stops = [event.body["contentBlockIndex"] for event in events if event.name == "contentBlockStop"]
    equal(list(range(len(stops))), stops, "indices of the blocks")
