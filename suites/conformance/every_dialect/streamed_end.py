"""A stream has its terminator."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="core", needs=("streaming",), source="{reference}: how a stream ends")
async def streamed_end(probe: Probe) -> None:
    """A stream ends with the vendor's terminator, once, and says why: else a cut stream looks like a whole one."""
    exchange = await probe.streamed()
    events = probe.events(exchange)
    end = probe.end(events)
    must(events[-1] is end, expected="nothing after the terminator", observed=f"{events[-1]} after it")
