"""Loads for GPU pools: one that is played from a script, and ways to let a pool run."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from brownout.capacity import Demand, Limits
from brownout.capacity.gpu_engine import GpuSeat
from brownout.capacity.gpu_pool import GpuPool, GpuPoolSettings
from brownout.clock import rng_for

RESTART_S = 30.0
"""How long a process takes to come back in pools made here."""


def make_pool(**settings: Any) -> GpuPool:
    """Return a pool whose instances start in 10 + 20 + 10 s, and restart in 20 + 10 s."""
    stages = {"provision_s": 10.0, "image_pull_s": 15.0, "weights_s": 20.0, "start_s": 10.0}
    return GpuPoolSettings(**(stages | settings)).make(Limits(), rng_for(1, "pool"))


def demand(prompt_tokens: int = 512, output_tokens: int = 128, max_tokens: int | None = None) -> Demand:
    """Return a request."""
    return Demand(prompt_tokens=prompt_tokens, output_tokens=output_tokens, max_tokens=max_tokens)


def run(pool: GpuPool, until_s: float = math.inf) -> None:
    """Let a pool do by itself all it does until then, as its holder would."""
    while (wakes_s := pool.wakes_at_s()) is not None and wakes_s <= until_s:
        pool.advance(wakes_s)
    if until_s < math.inf:
        pool.advance(until_s)


def ask_steadily(pool: GpuPool, rate_rps: float, count: int, what: Demand) -> list[tuple[float, GpuSeat]]:
    """Send requests evenly spaced; return when each was sent, and its seat."""
    return [(at_s, pool.admit(at_s, what)) for at_s in (number / rate_rps for number in range(count))]


def gaps(seat: GpuSeat) -> list[float]:
    """Return the times between a seat's tokens."""
    return [later - sooner for sooner, later in itertools.pairwise(seat.due_s)]


class Visit(NamedTuple):
    """One request of a script: how long after the one before, how long, and when its caller leaves (None: stays)."""

    after_s: float
    prompt_tokens: int
    output_tokens: int
    patience_s: float | None


def play(pool: GpuPool, visits: list[Visit], looks: Sequence[float] = ()) -> list[GpuSeat]:
    """Play a script, then let the pool run dry; return the seats.

    Args:
        pool: to be played on.
        visits: the script.
        looks: gaps between further instants at which the pool is advanced for nothing.
    """
    seats: list[GpuSeat] = []
    peeks_s = itertools.accumulate(looks)
    now_s, peek_s = 0.0, next(peeks_s, math.inf)
    moments: list[tuple[float, int, bool]] = []
    for number, visit in enumerate(visits):
        now_s += visit.after_s
        moments.append((now_s, number, True))
        if visit.patience_s is not None:
            moments.append((now_s + visit.patience_s, number, False))
    for at_s, number, comes in sorted(moments, key=lambda moment: moment[0]):
        while peek_s <= at_s:
            pool.advance(peek_s)
            peek_s = next(peeks_s, math.inf)
        if comes:
            seats.append(pool.admit(at_s, demand(visits[number].prompt_tokens, visits[number].output_tokens)))
        else:
            pool.release(at_s, seats[number], len(seats[number].due_s))
        check_caches(pool)
    while (wakes_s := pool.wakes_at_s()) is not None:
        pool.advance(wakes_s)
        check_caches(pool)
    return seats


def check_caches(pool: GpuPool) -> None:
    """Assert that every cache holds what its batch takes up, and has room for the tokens that are being made."""
    for engine in pool._engines.values():
        assert sum(seat.kv_tokens for seat in engine.running) == engine.kv_used
        coming = 0 if pool._box.reserves else len(engine.running)
        assert 0 <= engine.kv_used <= engine.kv_used + coming <= pool.kv_capacity_tokens
        assert engine._partial in {None, *engine.running[-1:]}
