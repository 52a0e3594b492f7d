"""A stream can be read however the network splits it."""

from brownout.conformance import check
from brownout.wire import End
from fixtures.conform.judging import equal, must
from fixtures.conform.probe import Probe


@check(level="core", needs=("streaming",), source="RFC 9112, 7.1: the chunks of a transfer mean nothing")
async def streamed_bytes_split_anywhere(probe: Probe) -> None:
    """A stream read a byte at a time gives the same answer as the one read as it arrived, and is whole."""
    exchange = await probe.streamed()
    as_arrived, by_bytes = probe.events(exchange), probe.events(exchange, by_bytes=True)
    equal(probe.text(as_arrived), probe.text(by_bytes), "text")
    whole = any(isinstance(event, End) for event in by_bytes)
    must(whole, expected="a whole answer", observed=f"{probe.text(by_bytes)!r} and no terminator")
