"""Which batches are handed in, by whom and when: drawn beside the single requests, and changing none of them."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.workload import DueRequest, Workload


class DueBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One file of requests of one tenant's: due ``due_s`` after load starts, and each of its lines with it."""

    number: int
    due_s: float
    lines: tuple[DueRequest, ...]

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.lines[0].tenant


def due_batches(workload: Workload, seed: int, tenants: Sequence[str], *, first: int) -> list[DueBatch]:
    """Return a workload's batches in the order they are due; none where its batches have no lines.

    The first is due after half of the time between two, the others at equal distances.

    Args:
        workload: the traffic asked for.
        seed: the run's seed.
        tenants: all tenants of the topology; without shares in the workload each gets the same share.
        first: the number of the first line, after those of the single requests: no two requests share a canary.

    Raises:
        BadInput: numbers that no batch can come out of.
    """
    asked = workload.batches
    _check(workload)
    if not asked.lines:
        return []
    rng = rng_for(seed, "batches")
    turns = _turns(workload.tenants or dict.fromkeys(tenants, 1.0), tenants)
    numbers = itertools.count(first)
    return [
        DueBatch(
            number=number,
            due_s=(number + 0.5) * asked.every_s,
            lines=tuple(
                DueRequest(
                    number=next(numbers),
                    due_s=(number + 0.5) * asked.every_s,
                    tenant=tenant,
                    traffic_class="background",
                    stream=False,
                    prompt_tokens=rng.randint(*workload.prompt_tokens),
                    output_tokens=rng.randint(*workload.output_tokens),
                )
                for _ in range(asked.lines)
            ),
        )
        for number, tenant in zip(range(math.ceil(workload.duration_s / asked.every_s - 0.5)), turns, strict=False)
    ]


def _turns(shares: Mapping[str, float], tenants: Sequence[str]) -> Iterator[str]:
    """Yield tenants by their shares, in turn and not by chance: of a dozen batches each is to have some."""
    saved = dict.fromkeys((name for name in tenants if shares.get(name, 0) > 0), 0.0)
    while True:
        for name in saved:
            saved[name] += shares[name]
        tenant = max(saved, key=lambda name: saved[name])
        saved[tenant] -= sum(shares[name] for name in saved)
        yield tenant


def _check(workload: Workload) -> None:
    asked = workload.batches
    if asked.lines < 0:
        raise BadInput(f"workload.batches.lines: expected 0 or more, got {asked.lines}.")
    for field, value in (("every_s", asked.every_s), ("patience_s", asked.patience_s)):
        if not (value > 0 and math.isfinite(value)):
            raise BadInput(f"workload.batches.{field}: expected a number above 0, got {value}.")
