"""A prompt's tokens can be counted."""

from brownout.conformance import check
from fixtures.conform.forms import Counting
from fixtures.conform.judging import conforms, json_of, must
from fixtures.conform.probe import Probe


@check(level="extended", needs=("count-tokens",), source="{reference}: counting tokens", requests=2)
async def count_tokens(probe: Probe) -> None:
    """A prompt's tokens are counted without an answer, and a longer prompt counts more."""
    short, long = await _counted(probe, 4), await _counted(probe, 200)
    must(long > 5 * short > 0, expected="more than five times as many tokens", observed=f"{short}, then {long}")


async def _counted(probe: Probe, words: int) -> int:
    reply = probe.form.counting or Counting("", "")
    exchange = await probe.send(probe.request(probe.asked("word " * words, count=True)), refusable=True)
    if exchange.status in {404, 405, 501}:
        raise probe.lacks(exchange.said())
    must(exchange.status == 200, expected="200", observed=exchange.said())
    body = json_of(exchange)
    conforms(reply.model, body)
    return int(body[reply.member])
