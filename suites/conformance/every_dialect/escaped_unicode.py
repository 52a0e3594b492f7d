"""Two spellings of one text are one text."""

import json

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import Probe


@check(level="extended", source="RFC 8259, 7: any character may be escaped", requests=2)
async def escaped_unicode(probe: Probe) -> None:
    r"""A prompt in \u escapes, surrogate pairs included, is the same prompt: accepted, and as long in tokens."""
    ask = probe.asked("Repeat: Grüße, 東京 🚀", max_tokens=16)
    plain = json.dumps(probe.body(ask), ensure_ascii=False).encode()
    escaped = json.dumps(probe.body(ask), ensure_ascii=True).encode()
    first, second = [probe.spent(await probe.whole(probe.with_body(raw, ask))).prompt for raw in (plain, escaped)]
    equal(first, second, "tokens of the prompt")
