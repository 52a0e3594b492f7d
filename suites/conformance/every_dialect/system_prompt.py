"""A system prompt is part of the prompt."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", needs=("system-prompt",), source="{reference}: system prompts", requests=2)
async def system_prompt(probe: Probe) -> None:
    """A system prompt is accepted, and is part of what the prompt costs."""
    costs = []
    for system in ("", "You answer in one short sentence. " * 8):
        body = probe.body(probe.asked(max_tokens=16)) | dict(probe.form.turns(system, ["Say hello."]))
        costs.append(probe.spent(await probe.whole(probe.with_body(body))).prompt)
    must(costs[1] > costs[0], expected="more tokens with a system prompt than without", observed=costs)
