"""Text beyond ASCII passes whole."""

from brownout.conformance import check
from fixtures.conform.judging import garbled, must
from fixtures.conform.probe import Probe

_WORDS = "Grüße, 東京 🚀 naïve"


@check(level="core", source="RFC 8259, 8.1: JSON is UTF-8")
async def unicode(probe: Probe) -> None:
    """A prompt beyond ASCII is accepted, and the answer is not garbled."""
    ask = probe.asked(f"Repeat these words exactly, and nothing else: {_WORDS}")
    text = probe.answer(await probe.whole(ask)).text
    must(not garbled(text, _WORDS), expected=f"an answer in the characters of {_WORDS!r}", observed=repr(text))
