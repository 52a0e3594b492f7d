"""A stream that is not asked for as events is an array."""

import msgspec

from brownout.conformance import check
from fixtures.conform.judging import conforms, equal, json_of, must
from fixtures.conform.probe import Probe


@check(
    level="extended",
    needs=("json-array-stream", "streaming"),
    source="Google's API reference, streamGenerateContent: without alt=sse the reply is a JSON array",
)
async def json_array_stream(probe: Probe) -> None:
    """A stream asked for without alt=sse is one JSON array of chunks, the last of which says why it ended."""
    exchange = await probe.whole(msgspec.structs.replace(probe.request(probe.asked(stream=True)), query=""))
    equal("application/json", exchange.content_type, "Content-Type")
    chunks = json_of(exchange)
    must(isinstance(chunks, list) and chunks, expected="an array of chunks", observed=exchange.said())
    for chunk in chunks:
        conforms(probe.form.reply_model, chunk)
    reason = chunks[-1].get("candidates", [{}])[0].get("finishReason")
    must(reason, expected="a finishReason in the last chunk", observed=chunks[-1])
