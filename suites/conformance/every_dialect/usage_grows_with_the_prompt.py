"""What a prompt cost depends on it."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="extended", source="{reference}: prompts are charged by their tokens", requests=2)
async def usage_grows_with_the_prompt(probe: Probe) -> None:
    """A prompt fifty times as long costs several times as many tokens."""
    asks = [probe.asked("Say hello. " + "word " * words, max_tokens=16) for words in (4, 200)]
    short, long = [probe.spent(await probe.whole(ask)).prompt for ask in asks]
    must(long > 5 * short > 0, expected="more than five times as many tokens", observed=f"{short}, then {long}")
