"""A stream's pieces make up the text."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="core", feature="streaming", source="{reference}: each delta is appended to what came before")
async def streamed_text(probe: Probe) -> None:
    """A stream brings text, in pieces that are to be appended: no piece repeats all of those before it."""
    exchange = await probe.streamed(probe.asked("Count from 1 to 20 in words.", stream=True))
    pieces = [event.body for event in probe.form.events(exchange.body)]
    events = probe.events(exchange)
    text = probe.text(events)
    must(text, expected="a text", observed=f"{len(pieces)} events without any")
    said = [event.text for event in events if event is not events[-1] and hasattr(event, "text")]
    so_far = ""
    for piece in said:
        repeats = bool(so_far) and len(so_far) > 1 and piece.startswith(so_far)
        must(not repeats, expected="pieces of the text", observed=f"{piece!r} after {so_far!r}")
        so_far += piece
