"""A stream's frames are whole and say what they are."""

from brownout.conformance import check
from fixtures.conform.forms.frames import frames as cut
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

_NEEDED = (":event-type", ":content-type", ":message-type")


@check(level="core", needs=("streaming",), source="Amazon event stream specification (Smithy); botocore.eventstream")
async def frames(probe: Probe) -> None:
    """Every frame has right lengths and checksums, and headers, strings all, that name the event and its type."""
    found = cut(
        (await probe.streamed()).body,
    )
    must(found, expected="frames", observed="none")
    for frame in found:
        said = {name: frame.headers.get(name) for name in _NEEDED}
        must(all(isinstance(value, str) for value in said.values()), expected=f"{', '.join(_NEEDED)}", observed=said)
        must(said[":message-type"] == "event", expected="events", observed=said)
