"""What a prompt cost depends on it."""

from brownout.conformance import check
from fixtures.conform.forms import Spent
from fixtures.conform.judging import json_of, must
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: prompts are charged by their tokens", requests=2)
async def usage_grows_with_the_prompt(probe: Probe) -> None:
    """A prompt fifty times as long costs several times as many tokens."""
    short, long = await _prompt_tokens(probe, 4), await _prompt_tokens(probe, 200)
    must(long > 5 * short > 0, expected="more than five times as many tokens", observed=f"{short}, then {long}")


async def _prompt_tokens(probe: Probe, words: int) -> int:
    exchange = await probe.whole(probe.asked("Say hello. " + "word " * words, max_tokens=16))
    spent = probe.form.spent(json_of(exchange))
    return spent.prompt if isinstance(spent, Spent) else 0
