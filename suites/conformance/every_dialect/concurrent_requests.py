"""Answers go to those who asked."""

import asyncio
import re

from brownout.conformance import Unjudged, check
from fixtures.conform.judging import json_of, must
from fixtures.conform.probe import Probe

_MARKS = ("alpaca", "badger", "condor", "donkey")


@check(level="core", source="RFC 9112, 9.3: a reply answers its own request", requests=4)
async def concurrent_requests(probe: Probe) -> None:
    """Of four requests under way at the same time each has the answer to its own prompt, and not to another's."""
    # A reply bears two marks: the word it was asked to repeat, and what its prompt cost, each longer than the last.
    prompts = [f"Repeat the word {mark}." + " word" * 60 * i for i, mark in enumerate(_MARKS)]
    exchanges = await asyncio.gather(*(probe.whole(probe.asked(prompt, max_tokens=24)) for prompt in prompts))
    told = 0
    for mark, exchange in zip(_MARKS, exchanges, strict=True):
        said = set(re.findall("|".join(_MARKS), probe.answer(exchange).text.lower()))
        must(said <= {mark}, expected=f"an answer about the {mark}", observed=f"one about {sorted(said)}")
        told += said == {mark}
    costs = [one.prompt for one in (probe.form.spent(json_of(exchange)) for exchange in exchanges) if one]
    if len(set(costs)) > 1:
        must(costs == sorted(set(costs)), expected="costs that grow with the prompts", observed=costs)
    elif told < len(_MARKS):
        raise Unjudged(
            f"{told} of 4 replies repeat the word they were asked for, and all prompts cost the same ({costs})"
        )
