"""A stream's pieces make up the text."""

from brownout.conformance import check
from brownout.wire import Token
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="core", needs=("streaming",), source="{reference}: each delta is appended to what came before")
async def streamed_text(probe: Probe) -> None:
    """A stream brings text, in pieces that are to be appended: no piece repeats all of those before it."""
    exchange = await probe.streamed(probe.asked("Count from 1 to 20 in words.", stream=True))
    pieces = [event.text for event in probe.events(exchange) if isinstance(event, Token)]
    must(pieces, expected="a text", observed=exchange.said())
    so_far = ""
    for piece in pieces:
        repeats = len(so_far) > 1 and piece.startswith(so_far)
        must(not repeats, expected="pieces of the text", observed=f"{piece!r} after {so_far!r}")
        so_far += piece
