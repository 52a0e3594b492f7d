"""The newer name of max_tokens means the same."""

from brownout.conformance import check
from fixtures.conform.judging import equal
from fixtures.conform.probe import LONG_PROMPT, Probe


@check(level="extended", source="OpenAI API reference, 'Create chat completion': max_completion_tokens")
async def max_completion_tokens(probe: Probe) -> None:
    """An answer that reaches max_completion_tokens ends there, and says that this is why."""
    body = probe.body(probe.asked(LONG_PROMPT))
    body["max_completion_tokens"] = 8
    del body["max_tokens"]
    answer = probe.answer(await probe.whole(probe.with_body(body)))
    equal("length", answer.end.stop if answer.end else "", "reason for the end")
