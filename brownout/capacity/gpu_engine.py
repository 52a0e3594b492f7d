"""Continuous batching on one instance: who is in the batch, what a step takes, who gets a token at its end.

What vLLM's V1 engine does ("Optimization and Tuning" in its documentation), token by token: sequences that decode go
first; what is left of a step's token budget prefills prompts, in chunks where they do not fit; a waiting request
enters when the KV cache holds all of its prompt; when the cache overflows, the newest request loses its place and its
cache, and computes both again later. Cache blocks are one token here; vLLM's are sixteen.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from brownout.capacity.core import Demand
from brownout.capacity.gpu_rates import Rates
from brownout.capacity.toll import Toll


@dataclass(slots=True)
class Box:
    """What the engines of a pool have in common, and what has happened in all of them.

    Attributes:
        rates: how long steps take.
        max_batch: how many sequences run at once.
        batch_tokens: how many tokens a step computes.
        kv_tokens: how many tokens the KV cache holds.
        reserves: whether a request's whole answer is reserved in the cache at the door, and none is ever preempted.
        slowness: multiplies the time of steps begun from now on (ratio).
        steps: steps begun.
        preemptions: requests that lost their place.
        kv_whole_tokens: how many tokens the KV cache holds when nothing is wrong with it.
        squeezes: told of requests without a place in the cache that a whole one would have for them.
        slows: told of requests in steps that take longer than they should.
        bursts: prompts longer than these many tokens take a step's memory, and who is told.
    """

    rates: Rates
    max_batch: int
    batch_tokens: int
    kv_tokens: int
    reserves: bool
    slowness: float
    steps: int = 0
    preemptions: int = 0
    kv_whole_tokens: int = 0
    squeezes: list[Toll] = field(default_factory=list)
    slows: list[Toll] = field(default_factory=list)
    bursts: dict[Toll, int] = field(default_factory=dict)

    def squeezed(self, seat: "GpuSeat", needed_tokens: int) -> None:
        """Tell of a request that has no place, where so many tokens would fit into a whole cache."""
        if needed_tokens <= self.kv_whole_tokens:
            for toll in self.squeezes:
                toll.note(seat)


class GpuSeat:
    """One request in an engine.

    Attributes:
        engine: where it is; None once it has all its tokens, or has failed, or has left.
        due_s: when each of its tokens was made.
        prefilled: how many of its tokens are in the cache since it got its place.
        prompt_tokens: its prompt's length.
        tolls: what has touched it of all that is broken.
    """

    __slots__ = (
        "_reserved",
        "due_s",
        "engine",
        "failure",
        "output_tokens",
        "prefilled",
        "prompt_tokens",
        "tier",
        "tolls",
    )

    def __init__(self, demand: Demand, *, reserves: bool) -> None:
        self.tier = ""
        self.failure: Exception | None = None
        self.engine: Engine | None = None
        self.due_s: list[float] = []
        self.prefilled = 0
        self.tolls: tuple[Toll, ...] = ()
        # An answer of no tokens costs its prefill all the same, and that makes one.
        self.output_tokens = max(demand.output_tokens, 1)
        self.prompt_tokens = max(demand.prompt_tokens, 1)
        self._reserved = self.prompt_tokens + max(self.output_tokens, demand.max_tokens or 0) if reserves else 0

    def token_due_s(self, index: int) -> float | None:
        """Return when a token was made; None while it is not."""
        return self.due_s[index] if index < len(self.due_s) else None

    @property
    def computed_tokens(self) -> int:
        """What must be in the cache to make the next token: the prompt, and all that was generated."""
        return self.prompt_tokens + len(self.due_s)

    @property
    def kv_tokens(self) -> int:
        """What it takes up in the cache while it has a place."""
        return self._reserved or self.computed_tokens


class Engine:
    """One instance's batch and queue.

    Args:
        box: what all engines share.

    Attributes:
        waiting: requests without a place, first come first.
        running: requests with a place, oldest first.
        kv_used: tokens in the cache.
        step_ends_s: when the step under way ends; infinite while there is none.
        hangs: told of requests here while a rank is lost, so that no step ends; one for each rank.
        burst: told of the step that runs out of memory at once; None: none does.
    """

    def __init__(self, box: Box) -> None:
        self.waiting: OrderedDict[GpuSeat, None] = OrderedDict()
        self.running: list[GpuSeat] = []
        self.kv_used = 0
        self.step_ends_s = math.inf
        self.hangs: list[Toll] = []
        self.burst: Toll | None = None
        self._box = box
        self._partial: GpuSeat | None = None  # the newest with a place, while its prompt is not all in the cache
        self._step_s = 0.0

    @property
    def hung(self) -> bool:
        """Whether a rank is lost."""
        return bool(self.hangs)

    @property
    def load(self) -> int:
        """How many requests are here."""
        return len(self.running) + len(self.waiting)

    def submit(self, now_s: float, seat: GpuSeat) -> None:
        """Put a request into the queue; it has a place at once where no step is under way."""
        seat.engine = self
        self.waiting[seat] = None
        for toll in self.hangs:
            toll.note(seat)
        self.start(now_s)

    def start(self, now_s: float) -> None:
        """Begin a step, where there is something to do and none is under way."""
        if self.step_ends_s == math.inf and not self.hung:
            self._begin(now_s)

    def leave(self, now_s: float, seat: GpuSeat) -> None:
        """Take a request out: its place and its cache are free at once; the step under way goes on."""
        seat.engine = None
        if seat in self.waiting:
            del self.waiting[seat]
        else:
            self.running.remove(seat)
            self._free(seat)
        self.start(now_s)  # who left may have stood in the way of a queue that does not move

    def finish_step(self) -> list[GpuSeat]:
        """End the step under way and begin the next; return who got a token."""
        now_s = self.step_ends_s
        flowing = self.running[: len(self.running) - (self._partial is not None)]
        ended = False
        for seat in flowing:
            due_s = seat.due_s
            due_s.append(now_s)
            if len(due_s) >= seat.output_tokens:
                seat.engine = None
                ended = True
        if not self._box.reserves:
            self.kv_used += len(flowing)
        if ended:
            self.kv_used -= sum(seat.kv_tokens for seat in flowing if seat.engine is None)
            self.running = [seat for seat in self.running if seat.engine is not None]
        self._begin(now_s)
        return flowing

    def make_room(self) -> None:
        """Preempt the newest until the cache holds the others and the token each is about to get."""
        while self.running and (needed := self.kv_used + self._growth(len(self.running))) > self._box.kv_tokens:
            seat = self.running.pop()
            self._box.squeezed(seat, needed)
            self._free(seat)
            self.waiting[seat] = None
            self.waiting.move_to_end(seat, last=False)
            self._box.preemptions += 1

    def hang(self, toll: Toll) -> None:
        """Lose a rank: the step under way does not end, and none begins."""
        self.hangs.append(toll)
        self.step_ends_s = math.inf
        for seat in (*self.running, *self.waiting):
            toll.note(seat)

    def resume(self, now_s: float, toll: Toll) -> None:
        """Have a rank back: with the last of them, the step that hung is done over."""
        self.hangs.remove(toll)
        if self.hangs:
            return
        if self.running:
            self.step_ends_s = now_s + self._step_s
        self.start(now_s)

    def abort(self, failure: Callable[[], Exception], *, queue: bool = True) -> list[GpuSeat]:
        """Fail what runs; return whom.

        Args:
            failure: makes each one's own.
            queue: whether the queue fails too, and a lost rank is forgotten: the process ended. Otherwise call
                `start` next.
        """
        failed = [*self.running, *self.waiting] if queue else self.running
        if queue:
            self.waiting = OrderedDict()
            self.hangs = []
        self.burst = None
        self.running, self.kv_used, self._partial, self.step_ends_s = [], 0, None, math.inf
        for seat in failed:
            seat.engine, seat.failure = None, failure()
        return failed

    def _begin(self, now_s: float) -> None:
        self.make_room()
        decodes = len(self.running) - (self._partial is not None)
        budget = self._box.batch_tokens - decodes
        done, continued = self._continue(budget)
        fresh = prompts = 0
        if self._partial is None:
            fresh, prompts = self._enter(budget - continued)
        if not self.running:
            self.step_ends_s = math.inf
            return
        step_s = self._box.rates.step_s(decodes, done=done, continued=continued, fresh=fresh, prompts=prompts)
        self._step_s = step_s * self._box.slowness if self.burst is None else 0.0
        self.step_ends_s = now_s + self._step_s
        for toll in self._box.slows:
            for seat in self.running:
                toll.note(seat)
        self._box.steps += 1

    def _continue(self, budget: int) -> tuple[int, int]:
        """Prefill more of the prompt begun earlier; return how much of it was done, and how much is now."""
        seat = self._partial
        if seat is None:
            return 0, 0
        done, missing = seat.prefilled, seat.computed_tokens - seat.prefilled
        tokens = min(missing, budget)
        seat.prefilled += tokens
        if tokens == missing:
            self._partial = None
        return done, tokens

    def _enter(self, budget: int) -> tuple[int, int]:
        """Give places to who waits; return how many tokens are prefilled, and of how many prompts."""
        box, running = self._box, self.running
        fresh = prompts = 0
        while self.waiting and fresh < budget and len(running) < box.max_batch:
            seat = next(iter(self.waiting))
            needed = self.kv_used + seat.kv_tokens + self._growth(len(running) + 1)
            if needed > box.kv_tokens:
                box.squeezed(seat, needed)
                break
            del self.waiting[seat]
            running.append(seat)
            self.burst = next((toll for toll, over in box.bursts.items() if seat.prompt_tokens > over), self.burst)
            self.kv_used += seat.kv_tokens
            seat.prefilled = min(seat.computed_tokens, budget - fresh)
            if seat.prefilled < seat.computed_tokens:
                self._partial = seat
            fresh += seat.prefilled
            prompts += 1
        return fresh, prompts

    def _growth(self, sequences: int) -> int:
        return 0 if self._box.reserves else sequences

    def _free(self, seat: GpuSeat) -> None:
        self.kv_used -= seat.kv_tokens
        if seat is self._partial:
            self._partial = None
