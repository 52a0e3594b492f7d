"""What a stream cost is told."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(
    level="core",
    needs=("usage-in-stream", "streaming"),
    source="{reference}: usage at a stream's end (OpenAI's on demand: stream_options.include_usage)",
)
async def streamed_usage(probe: Probe) -> None:
    """A stream tells what it cost: tokens of the prompt and of the answer, no more than were allowed."""
    end = probe.end(probe.events(await probe.streamed(probe.asked(stream=True, max_tokens=16))))
    must(end.prompt_tokens > 0, expected="tokens of the prompt", observed=end.prompt_tokens)
    must(0 < end.output_tokens <= 16, expected="1 to 16 tokens of the answer", observed=end.output_tokens)
