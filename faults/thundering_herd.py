"""thundering-herd: everybody comes back at once."""

import asyncio
import math
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from random import Random  # noqa: TID251 - a type
from typing import Annotated, Any

import msgspec

from brownout.capacity import Demand, Seat
from brownout.capacity.core import made_by
from brownout.clock import Clock
from brownout.fault import Entry, fault
from brownout.hands import Hands, Shell
from brownout.topology import Endpoint
from brownout.wire import Cut, Refusal
from faults._layers import WorldOnly

_LOOK_AGAIN_S = 0.25
"""How often a request is looked at that stands in a queue: when its last token is due is not known yet."""


@fault(
    "thundering-herd",
    Entry(
        family="region",
        colour="#1f618d",
        sees="An endpoint that is back is so full of others' requests that one's own wait or are refused, for a while.",
        seen=(
            (
                "Google Cloud us-central1, 2025-06-12: a herd of restarting tasks, without random back-off, up to 2 h "
                "40 min (https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW)"
            ),
            (
                "AWS Kinesis, 2020-11-25: a fleet that could be restarted only slowly for fear of one "
                "(https://aws.amazon.com/message/11201)"
            ),
        ),
    ),
)
@dataclass(frozen=True, kw_only=True)
class ThunderingHerd(WorldOnly):
    """The others who share the endpoint's capacity come back together, and fewer and fewer of them.

    They take the same seats, quota and cache as anybody's requests, so that these wait or are refused by load and not
    by decree. It has fired for each of them that got in or was turned away. They arrive at random (a Poisson process)
    at a rate that falls exponentially: ``rate_rps x decay_s`` of them in all, on average.

    Attributes:
        rate_rps: at what rate they come at first, to each endpoint, in requests per second.
        decay_s: after how many seconds the rate has fallen to 37 % (1/e).
        prompt_tokens: the length of their prompts.
        output_tokens: the length of their answers.
    """

    rate_rps: Annotated[float, msgspec.Meta(gt=0.0, le=1000.0)] = 20.0
    decay_s: Annotated[float, msgspec.Meta(gt=0.0)] = 15.0
    prompt_tokens: Annotated[int, msgspec.Meta(ge=1)] = 1000
    output_tokens: Annotated[int, msgspec.Meta(ge=1)] = 200

    def unfit(self, endpoint: Endpoint) -> str:
        """Return why nobody would notice; empty where somebody may."""
        limits = endpoint.limits
        if endpoint.behind is None and limits.rate_rps is None and limits.concurrent is None:
            return "its capacity has no bound, and no herd could fill it; set limits.rate_rps, .concurrent, or behind."
        return ""

    async def turn(self, hands: Hands, at: Sequence[str]) -> "_Herd":
        """Let them come."""
        demand = Demand(
            prompt_tokens=self.prompt_tokens, output_tokens=self.output_tokens, max_tokens=self.output_tokens
        )
        herd = _Herd(demand, hands.clock)
        for name in at:
            rng = hands.rng("thundering-herd", name, hands.clock.now_s())
            herd.come(hands.shells[name], arrivals_s(rng, self.rate_rps, self.decay_s))
        return herd


def arrivals_s(rng: Random, rate_rps: float, decay_s: float) -> Iterator[float]:
    """Yield when requests come, from now, of a Poisson process whose rate falls exponentially.

    Args:
        rng: draws them.
        rate_rps: the rate at first.
        decay_s: after how long it has fallen to 1/e.
    """
    left = 1.0  # the share of all expected requests that is still to come, which is the rate's too
    while (left := left - rng.expovariate(1.0) / (rate_rps * decay_s)) > 0:
        yield -decay_s * math.log(left)


class _Herd:
    """See `brownout.hands.Turned`.

    Args:
        demand: what each of them asks for.
        clock: the world's.
    """

    def __init__(self, demand: Demand, clock: Clock) -> None:
        self._demand, self._clock = demand, clock
        self._came = 0
        self._inside: dict[Seat, Shell] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def come(self, shell: Shell, arrivals_s: Iterator[float]) -> None:
        """Let requests come to an endpoint, so long from now."""
        self._spawn(self._arrive(shell, arrivals_s, self._clock.now_s()))

    def fired(self) -> int:
        return self._came

    async def undo(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        # Seats are counted here and not in their tasks: one that is cancelled before it begins gives nothing back.
        for seat in list(self._inside):
            self._leave(seat)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def undone(self) -> bool:
        return not self._inside and not self._tasks

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _arrive(self, shell: Shell, arrivals_s: Iterator[float], began_s: float) -> None:
        for arrival_s in arrivals_s:
            await asyncio.sleep(max(began_s + arrival_s - self._clock.now_s(), 0.0))
            if shell.capacity.listening:  # else nobody is there who could count them
                self._ask(shell)

    def _ask(self, shell: Shell) -> None:
        self._came += 1
        try:
            seat = shell.capacity.admit(self._clock.now_s(), self._demand)
        except (Refusal, Cut):
            shell.poke()
            return
        self._inside[seat] = shell
        shell.poke()
        self._spawn(self._stay(seat))

    async def _stay(self, seat: Seat) -> None:
        while seat.failure is None:
            last_s = seat.token_due_s(self._demand.output_tokens - 1)
            now_s = self._clock.now_s()
            if last_s is not None and last_s <= now_s:
                break
            await asyncio.sleep(_LOOK_AGAIN_S if last_s is None else last_s - now_s)
        self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        shell, now_s = self._inside.pop(seat), self._clock.now_s()
        shell.capacity.release(now_s, seat, made_by(seat, now_s, self._demand.output_tokens))
        shell.poke()
