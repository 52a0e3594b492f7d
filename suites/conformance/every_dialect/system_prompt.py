"""A system prompt is part of the prompt."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", feature="system-prompt", source="{reference}: system prompts", requests=2)
async def system_prompt(probe: Probe) -> None:
    """A system prompt is accepted, and is part of what the prompt costs."""
    costs = []
    for system in ("", "You answer in one short sentence. " * 8):
        body = probe.body(probe.asked(max_tokens=16)) | dict(probe.form.turns(system, ["Say hello."]))
        exchange = await probe.whole(probe.with_body(body))
        spent = probe.form.spent(exchange.json())
        costs.append(spent.prompt if spent else 0)
    must(costs[1] > costs[0], expected="more tokens with a system prompt than without", observed=costs)
