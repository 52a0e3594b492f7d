"""A pool of GPU instances at work, token by token: slowness, stalls, refusals and cold starts come out of load.

    requests -> the least loaded instance in service -> its queue -> its batch -> one token each at every step's end

How a step goes is in `gpu_engine`, how long it takes in `gpu_rates`, how instances come and go in `instances`, what is
said when something fails in `gpu_refusals`, and what can be made to fail in `gpu_pool`.
"""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from operator import attrgetter

import msgspec

from brownout.capacity import gpu_refusals
from brownout.capacity.core import Demand, Seat
from brownout.capacity.gpu_engine import Box, Engine, GpuSeat
from brownout.capacity.gpu_rates import Rates
from brownout.capacity.gpu_settings import ServingSettings
from brownout.capacity.instances import Fleet, FleetEvent, State
from brownout.capacity.toll import Toll
from brownout.wire import Cut, Meter, Refusal

_load = attrgetter("load")


class InstanceView(msgspec.Struct, frozen=True, kw_only=True):
    """One instance as a control plane and a plot see it.

    Attributes:
        number: what faults call it.
        state: see `brownout.capacity.instances`. One with a lost rank is ``in-service`` all the same: its health check
            asks only whether the server lives.
        since_s: when it came into this state.
        running: requests in its batch.
        waiting: requests in its queue.
        kv_used_tokens: tokens in its cache.
    """

    number: int
    state: State
    since_s: float
    running: int
    waiting: int
    kv_used_tokens: int


class ServingPool(ABC):
    """A `CapacityModel` of GPU instances. Any call may make `wakes_at_s` earlier: ask again after each.

    Args:
        settings: see there.
        rng: draws the spread of start-up stages; nothing else here is left to chance.
    """

    def __init__(self, settings: ServingSettings, rng: random.Random) -> None:  # noqa: TID251 - a type
        self._settings = settings
        self._fleet = Fleet(settings, rng)
        self._box = Box(
            rates=Rates(settings.gpu, settings.tensor_parallel),
            max_batch=settings.max_batch,
            batch_tokens=settings.batch_tokens,
            kv_tokens=settings.cache_tokens,
            reserves=settings.server != "vllm",
            slowness=1.0 / settings.speedup,
            kv_whole_tokens=settings.cache_tokens,
        )
        self._shortages: list[Toll] = []
        self._engines: dict[int, Engine] = {}
        self._serving: list[Engine] = []
        self._news: dict[GpuSeat, None] = {}
        self._happened_s = 0.0
        self._follow_fleet()

    # --- the capacity model -------------------------------------------------------------------------------------

    @property
    def listening(self) -> bool:
        """Whether connections are accepted: by SageMaker always, else by any server that lived at the last call."""
        return self._settings.front == "sagemaker" or bool(self._serving or self._fleet.in_state("dying"))

    def admit(self, now_s: float, demand: Demand) -> GpuSeat:
        """Let a request in, at the instance in service with the fewest.

        Raises:
            Refusal: ``throttled`` (TGI) or ``overloaded`` (Triton) when the queue is full; ``internal`` from a server
                whose engine is dead; ``invalid`` for a request that the KV cache could never hold; ``unavailable``
                from SageMaker without an instance; ``model-error`` from SageMaker in place of the first four.
            Cut: nobody listens.
        """
        self._run_until(now_s)
        engine = min(self._serving, key=_load, default=None)
        if engine is None:
            for toll in self._shortages:
                toll.note_refused()
            raise self._nobody_serves()
        self._check(engine, demand)
        seat = GpuSeat(demand, reserves=self._box.reserves)
        if engine.load and self._fleet.current < self._fleet.desired:
            for toll in self._shortages:
                toll.note(seat)  # whoever is missing would have had it alone
        engine.submit(now_s, seat)
        if engine.hung:
            self._watch(now_s)
        return seat

    def release(self, now_s: float, seat: Seat, output_tokens: int) -> None:
        """Give a seat back; of a caller who leaves early, its place and its share of the KV cache."""
        del output_tokens  # a seat knows better how many it made
        assert isinstance(seat, GpuSeat)
        self._run_until(now_s)
        self._news.pop(seat, None)
        if seat.engine is not None:
            seat.engine.leave(now_s, seat)
            self._let_drained_go(now_s)

    def wakes_at_s(self) -> float | None:
        """Return when something happens next by itself, or has happened and was not told; None when nothing does."""
        if self._news:
            return self._happened_s
        next_s = self._next()[0]
        return None if next_s == math.inf else next_s

    def advance(self, now_s: float) -> list[Seat]:
        """Let all that is due by now happen, and return the seats that have news since the last time."""
        self._run_until(now_s)
        news: list[Seat] = list(self._news)
        self._news.clear()
        return news

    def standing(self, now_s: float) -> Mapping[str, Meter]:
        """Return nothing: a GPU holds no quota."""
        del now_s
        return {}

    # --- what can be read ---------------------------------------------------------------------------------------

    @property
    def desired(self) -> int:
        """How many instances are wanted."""
        return self._fleet.desired

    @property
    def current(self) -> int:
        """How many instances are in service."""
        return self._fleet.current

    @property
    def instances(self) -> list[InstanceView]:
        """All instances, oldest first."""
        pairs = [(one, self._engines[one.number]) for one in self._fleet.instances.values()]
        return [
            InstanceView(
                number=one.number,
                state=one.state,
                since_s=one.since_s,
                running=len(engine.running),
                waiting=len(engine.waiting),
                kv_used_tokens=engine.kv_used,
            )
            for one, engine in pairs
        ]

    @property
    def events(self) -> list[FleetEvent]:
        """What happened to instances so far: every state one came into, and every one that could not be had."""
        return list(self._fleet.events)

    @property
    def running(self) -> int:
        """Requests in a batch."""
        return sum(len(engine.running) for engine in self._engines.values())

    @property
    def waiting(self) -> int:
        """Requests in a queue."""
        return sum(len(engine.waiting) for engine in self._engines.values())

    @property
    def kv_used_tokens(self) -> int:
        """Tokens in the KV caches of all instances."""
        return sum(engine.kv_used for engine in self._engines.values())

    @property
    def kv_capacity_tokens(self) -> int:
        """Tokens that the KV cache of one instance holds now."""
        return self._box.kv_tokens

    @property
    def steps(self) -> int:
        """Steps begun so far, on all instances."""
        return self._box.steps

    @property
    def preemptions(self) -> int:
        """Requests that lost their place so far, on all instances."""
        return self._box.preemptions

    # --- the control plane --------------------------------------------------------------------------------------

    def scale_to(self, now_s: float, instances: int) -> None:
        """Ask for another number of instances; see `Fleet.scale_to`. Those that drain end what they have.

        Raises:
            ValueError: for less than none, or more than ``max_instances``.
        """
        self._run_until(now_s)
        self._fleet.scale_to(now_s, instances)
        self._follow_fleet()
        self._let_drained_go(now_s)

    # --- how it runs --------------------------------------------------------------------------------------------

    def _run_until(self, now_s: float) -> None:
        while True:
            next_s, engine = self._next()
            if next_s > now_s or next_s == math.inf:
                return
            self._happened_s = next_s
            if engine is not None and engine.burst is not None:
                self._burst(next_s, engine, engine.burst)
            elif engine is not None:
                self._news.update(dict.fromkeys(engine.finish_step()))
            else:
                self._turn_fleet(next_s)
            self._let_drained_go(next_s)

    def _next(self) -> tuple[float, Engine | None]:
        """Return when the next thing happens, and the engine whose step it ends (None: the fleet's turn)."""
        next_s, ends = self._fleet.wakes_at_s(), None
        for engine in self._engines.values():
            if engine.step_ends_s < next_s:
                next_s, ends = engine.step_ends_s, engine
        return next_s, ends

    def _turn_fleet(self, now_s: float) -> None:
        for one in self._fleet.turn(now_s):
            engine = self._engines.get(one.number)
            if engine is not None and one.state != "in-service":
                self._fail(now_s, engine.abort(self._cut))
        self._follow_fleet()

    def _fail(self, now_s: float, seats: Sequence[GpuSeat], toll: Toll | None = None) -> None:
        """Tell of seats that have failed, and whatever they failed of."""
        self._happened_s = now_s
        if toll is not None:
            for seat in seats:
                toll.note(seat)
        self._news.update(dict.fromkeys(seats))

    def _follow_fleet(self) -> None:
        """Give every instance its engine, and those that are gone none."""
        instances = self._fleet.instances
        self._engines = {number: self._engines.get(number) or Engine(self._box) for number in instances}
        self._serving = [self._engines[one.number] for one in self._fleet.in_state("in-service")]
        if not self.listening:
            for toll in self._shortages:
                toll.note_shut()

    @abstractmethod
    def _burst(self, now_s: float, engine: Engine, toll: Toll) -> None:
        """Let the step that an engine has begun run out of memory."""

    def _let_drained_go(self, now_s: float) -> None:
        drained = [one for one in self._fleet.in_state("draining") if not self._engines[one.number].load]
        for one in drained:
            self._fleet.end(now_s, one)
        if drained:
            self._follow_fleet()

    def _watch(self, now_s: float) -> None:
        """Start the watchdog of every instance whose step is stuck."""
        for one in self._fleet.in_state("in-service"):
            engine = self._engines[one.number]
            if engine.hung and engine.load and one.ends_s == math.inf:
                one.ends_s = now_s + self._settings.watchdog_s

    def _check(self, engine: Engine, demand: Demand) -> None:
        """Raise what an instance's server refuses a request with, if it does."""
        settings = self._settings
        prompt_tokens = max(demand.prompt_tokens, 1)
        answer_tokens = max(demand.output_tokens, demand.max_tokens or 1)
        if prompt_tokens + answer_tokens > settings.cache_tokens:
            raise self._seen(gpu_refusals.too_long(settings.cache_tokens, prompt_tokens, answer_tokens))
        limit = settings.queue_limit
        if settings.server == "tgi":
            full = engine.load >= (limit or gpu_refusals.TGI_CONCURRENT)
        else:
            full = limit is not None and len(engine.waiting) >= limit
        if full:
            raise self._seen(gpu_refusals.full(settings.server))

    def _nobody_serves(self) -> Exception:
        if self._fleet.in_state("dying"):
            return self._seen(gpu_refusals.engine_died(self._settings.server))
        return Refusal("unavailable") if self._settings.front == "sagemaker" else Cut()

    def _cut(self) -> Exception:
        return self._seen(Cut())

    def _seen(self, failure: Exception) -> Exception:
        """Return what a caller sees of a server's failure."""
        return gpu_refusals.behind_sagemaker(failure) if self._settings.front == "sagemaker" else failure
