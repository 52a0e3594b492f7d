"""A connection serves more than one stream."""

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import Probe


@check(
    level="core",
    needs=("streaming",),
    source="RFC 9112, 7.1 and 9.3: a chunked transfer ends without its connection",
    requests=2,
)
async def streamed_keep_alive(probe: Probe) -> None:
    """A stream ends without its connection: the next one goes over the same."""
    for _ in range(2):
        await probe.streamed(probe.asked(stream=True, max_tokens=16))
    equal(1, probe.connections, "connections")
