"""An answer ends before a sequence that the caller names."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe

_PROMPT = "Say: one two three four five six."


@check(level="extended", needs=("stop-sequences",), source="{reference}: stop sequences", requests=2)
async def stop_sequence(probe: Probe) -> None:
    """An answer ends before a sequence that the caller names, and does not hold it."""
    words = probe.answer(await probe.whole(probe.asked(_PROMPT, max_tokens=32))).text.split()
    must(len(words) > 2, expected="an answer of several words", observed=words)
    text = probe.answer(await probe.whole(probe.asked(_PROMPT, max_tokens=32, stops=(words[1],)))).text
    must(words[1] not in text, expected=f"an answer that ends before {words[1]!r}", observed=repr(text))
