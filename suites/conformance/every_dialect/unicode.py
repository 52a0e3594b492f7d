"""Text beyond ASCII passes whole."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

WORDS = "Grüße, 東京 🚀 naïve"


@check(level="core", source="RFC 8259, 8.1: JSON is UTF-8", requests=2)
async def unicode(probe: Probe) -> None:
    """A prompt beyond ASCII is accepted, and neither the whole nor the streamed answer is garbled."""
    ask = probe.asked(f"Repeat these words exactly, and nothing else: {WORDS}")
    whole = probe.answer(await probe.whole(ask)).text
    streamed = probe.text(probe.events(await probe.streamed(probe.asked(ask.prompt, stream=True))))
    misread = WORDS.encode().decode("latin-1")
    for text in (whole, streamed):
        garbled = "\ufffd" in text or any(word in text for word in misread.split(" ") if not word.isascii())
        must(not garbled, expected=f"an answer in the characters of {WORDS!r}", observed=repr(text))
