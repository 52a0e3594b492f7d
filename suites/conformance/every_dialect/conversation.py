"""What was said before is part of the prompt."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: conversations of several turns", requests=2)
async def conversation(probe: Probe) -> None:
    """A conversation of three turns is accepted, and all of it is part of what the prompt costs."""
    costs = []
    for turns in (["Say hello."], ["My name is Ada Lovelace.", "Nice to meet you, Ada.", "Say hello."]):
        body = probe.body(probe.asked(max_tokens=16)) | dict(probe.form.turns("", turns))
        costs.append(probe.spent(await probe.whole(probe.with_body(body))).prompt)
    must(costs[1] > costs[0], expected="more tokens for three turns than for one", observed=costs)
