"""Text beyond ASCII passes whole in a stream."""

from brownout.conformance import check
from fixtures.conform.judging import garbled, must
from fixtures.conform.probe import Probe

_WORDS = "Grüße, 東京 🚀 naïve"


@check(level="core", needs=("streaming",), source="RFC 8259, 8.1: JSON is UTF-8; a piece of text may end anywhere")
async def streamed_unicode(probe: Probe) -> None:
    """A prompt beyond ASCII is accepted, and the streamed answer is not garbled where its pieces meet."""
    ask = probe.asked(f"Repeat these words exactly, and nothing else: {_WORDS}", stream=True)
    text = probe.text(probe.events(await probe.streamed(ask)))
    must(not garbled(text, _WORDS), expected=f"an answer in the characters of {_WORDS!r}", observed=repr(text))
