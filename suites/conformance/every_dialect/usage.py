"""What a reply cost is told, and can be true."""

from brownout.conformance import check
from fixtures.conform.judging import must
from fixtures.conform.probe import Probe


@check(level="core", source="{reference}: usage, usageMetadata")
async def usage(probe: Probe) -> None:
    """A reply tells what it cost: tokens of the prompt and of the answer, no more than were allowed, and their sum."""
    spent = probe.spent(await probe.whole(probe.asked(max_tokens=16)))
    must(spent.prompt > 0, expected="tokens of the prompt", observed=spent)
    must(0 < spent.output <= 16, expected="1 to 16 tokens of the answer (max_tokens is 16)", observed=spent)
    least = spent.prompt + spent.output
    must(spent.total is None or spent.total >= least, expected=f"a total of {least} or more", observed=spent)
