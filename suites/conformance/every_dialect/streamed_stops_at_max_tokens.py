"""A bound on a streamed answer's length is kept."""

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import LONG_PROMPT, Probe


@check(
    level="core",
    needs=("streaming",),
    source="{reference}: max_tokens and the stop reason that goes with it",
)
async def streamed_stops_at_max_tokens(probe: Probe) -> None:
    """A streamed answer that reaches max_tokens ends there, and says that this is why."""
    exchange = await probe.streamed(probe.asked(LONG_PROMPT, stream=True, max_tokens=8))
    equal("length", probe.end(probe.events(exchange)).stop, "reason for the end")
