"""The chunks of an answer come in their order."""

from brownout.conformance import check
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe


@check(level="core", needs=("streaming",), source="Google's API reference, streamGenerateContent; google-genai")
async def stream_order(probe: Probe) -> None:
    """Of a stream's chunks the last alone says why it ended, and what it cost."""
    chunks = [event.body for event in probe.form.events((await probe.streamed()).body)]
    must(chunks, expected="chunks", observed="none")
    ends = [
        index
        for index, chunk in enumerate(chunks)
        if any(candidate.get("finishReason") for candidate in chunk.get("candidates", []))
    ]
    equal([len(chunks) - 1], ends, "places of finishReason among the chunks")
    cost = chunks[-1].get("usageMetadata", {})
    must("totalTokenCount" in cost, expected="totalTokenCount in the last chunk", observed=chunks[-1])
