"""``gpu-pool``: a pool of GPU instances, what a topology says of it, and the screws that faults turn."""

import math
import random
from collections.abc import Callable

from brownout.capacity import gpu_refusals
from brownout.capacity.gpu_engine import Engine
from brownout.capacity.gpu_serving import InstanceView, ServingPool
from brownout.capacity.gpu_settings import ServingSettings
from brownout.capacity.instances import Instance
from brownout.capacity.paced import Limits
from brownout.capacity.toll import Toll
from brownout.errors import BadInput

__all__ = ["GpuPool", "GpuPoolSettings", "InstanceView"]


class GpuPoolSettings(
    ServingSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="gpu-pool"
):
    """A pool of GPU instances, as a topology says it: ``behind: {kind: gpu-pool, instances: 2}``."""

    def make(self, limits: Limits, rng: random.Random) -> "GpuPool":  # noqa: TID251 - a type
        """Return the pool with its first instances in service; the endpoint's pace is the GPUs', not its limits'.

        Raises:
            BadInput: for limits that bound requests, which nothing here would heed.
        """
        if limits.rate_rps is not None or limits.concurrent is not None:
            raise BadInput(
                "limits.rate_rps and limits.concurrent mean nothing behind 'gpu-pool': leave them out "
                "(behind.max_batch, behind.kv_tokens and behind.queue_limit bound what it carries)."
            )
        return GpuPool(self, rng)


class GpuPool(ServingPool):
    """A `ServingPool` with what can go wrong in it. Each screw takes effect at once.

    Every screw returns its `Toll`, which counts what it does; `undo` takes that one back, and leaves what else is
    broken.

    Args:
        settings: see there.
        rng: draws the spread of start-up stages; nothing else here is left to chance.
    """

    def __init__(self, settings: ServingSettings, rng: random.Random) -> None:  # noqa: TID251 - a type
        super().__init__(settings, rng)
        self._undos: dict[Toll, Callable[[float], None]] = {}
        self._kv_ratios: dict[Toll, float] = {}
        self._slow_factors: dict[Toll, float] = {}
        self._down: dict[int, Toll] = {}

    @property
    def slowdown(self) -> float:
        """How many times longer than they should steps begun now take (ratio)."""
        return math.prod(self._slow_factors.values())

    @property
    def serving(self) -> list[int]:
        """The numbers of the instances in service, oldest first."""
        return [one.number for one in self._fleet.in_state("in-service")]

    def undo(self, now_s: float, toll: Toll) -> None:
        """Take back what a screw has done, at once: a process that starts because of it is up. Once is enough."""
        self._run_until(now_s)
        if toll in self._undos:
            self._undos[toll](now_s)
            del self._undos[toll]
            self._follow_fleet()

    def in_force(self, toll: Toll) -> bool:
        """Return whether a screw is turned, or what it has taken down is still on its way up."""
        return toll in self._undos or bool(self._fallen(toll))

    def lose_rank(self, now_s: float, instance: int) -> Toll:
        """Lose one of an instance's tensor-parallel ranks (a GPU off the bus, a collective that never ends).

        Clients get no byte more while their connections stay open, and the health check still passes, so new
        requests are sent there too. After ``watchdog_s`` of a stuck step the process aborts: connections are cut and
        the instance restarts (torch: "Watchdog caught collective operation timeout"; vllm-project/vllm issue 7775).
        After an `undo` before then, what hung goes on.

        Raises:
            ValueError: where the instance is not in service.
        """
        self._run_until(now_s)
        engine = self._engine_in_service(instance)
        toll = self._broken(lambda at_s: self._have_rank_back(at_s, instance, toll))
        engine.hang(toll)
        self._shortages.append(toll)  # of the restart that the watchdog may bring
        self._down[instance] = toll
        self._watch(now_s)
        return toll

    def kill_engine(self, now_s: float, instance: int) -> Toll:
        """Let an instance's engine die (illegal memory access, a worker killed).

        Requests in flight get a 500 without a body, streams an error as their next event, new ones a 500 where no
        other instance is in service; after ``exit_s`` the server exits and restarts, and without another instance
        connections are refused until it is up (vLLM's ``entrypoints/launcher.py``; issues 20170, 12233, 42363).
        `undo` has it up at once.

        Raises:
            ValueError: where the instance is not in service.
        """
        self._run_until(now_s)
        self._engine_in_service(instance)
        toll = self._broken(lambda at_s: self._revive(at_s, toll))
        self._shortages.append(toll)
        self._kill(now_s, instance, toll)
        return toll

    def out_of_memory(self, now_s: float, instance: int) -> Toll:
        """Let the step under way run out of GPU memory, once.

        vLLM's engine dies of it (see `kill_engine`). TGI and Triton fail the batch, a 424 and a 500, and go on with
        their queue (that TGI's is a generation error is inferred from ``router/src/infer``). `undo` has an engine
        that died up at once; a batch that failed has failed.

        Raises:
            ValueError: where the instance is not in service.
        """
        self._run_until(now_s)
        engine = self._engine_in_service(instance)
        toll = self._broken(lambda at_s: self._revive(at_s, toll))
        self._shortages.append(toll)
        self._burst(now_s, engine, toll)
        return toll

    def burst_over(self, now_s: float, prompt_tokens: int) -> Toll:
        """Let every step run out of GPU memory that begins a prompt of more than so many tokens.

        What that looks like: see `out_of_memory`.
        """
        self._run_until(now_s)
        toll = self._broken(lambda at_s: self._burst_no_more(at_s, toll))
        self._shortages.append(toll)
        self._box.bursts[toll] = prompt_tokens
        return toll

    def shrink_kv(self, now_s: float, ratio: float) -> Toll:
        """Leave a part of every KV cache: the newest requests lose their places at once, their streams stall.

        Requests that fit no more wait, without an error, and those behind them.

        Raises:
            ValueError: for a ratio that is not between 0 and 1.
        """
        if not 0 < ratio <= 1:
            raise ValueError(f"ratio must be above 0 and at most 1; got {ratio}.")
        self._run_until(now_s)
        toll = self._broken(lambda at_s: self._grow_kv(at_s, toll))
        self._kv_ratios[toll] = ratio
        self._box.squeezes.append(toll)
        self._size_caches(now_s)
        return toll

    def slow_steps(self, now_s: float, factor: float) -> Toll:
        """Make every step take longer (a GPU that throttles, a slow link between ranks); those under way do not.

        Streams flow more slowly and queues grow.

        Raises:
            ValueError: for a factor that is not above 0.
        """
        if not 0 < factor < math.inf:
            raise ValueError(f"factor must be above 0; got {factor}.")
        self._run_until(now_s)
        toll = self._broken(lambda _: self._quicken(toll))
        self._slow_factors[toll] = factor
        self._box.slows.append(toll)
        self._box.slowness = self.slowdown / self._settings.speedup
        return toll

    def lose_instances(self, now_s: float, k: int) -> Toll:
        """Lose machines, those in service and the newest first (nodes off the network: OpenAI, 10 June 2025).

        Their connections are cut. Replacements come up through all stages where there are spares; else each attempt
        is an ``InsufficientInstanceCapacity`` in `events`. `undo` has them serve at once.

        Raises:
            ValueError: for more than there are, or none.
        """
        self._run_until(now_s)
        lost = self._fleet.lose(now_s, k)
        toll = self._broken(lambda at_s: self._have_machines_back(at_s, toll, k))
        self._shortages.append(toll)
        for one in lost:
            engine = self._engines.get(one.number)
            self._fail(now_s, [] if engine is None else engine.abort(self._cut), toll)
        self._follow_fleet()
        return toll

    def withhold_instances(self, now_s: float) -> Toll:
        """Let no more instances be had: scale-out fails (``InsufficientInstanceCapacity``) and is asked for again."""
        self._run_until(now_s)
        toll = self._broken(lambda _: self._fleet.offer(toll))
        self._fleet.withhold(toll)
        return toll

    def slow_starts(self, now_s: float, factor: float) -> Toll:
        """Make what is left of every stage of a start take longer (an image registry, a store of weights that crawls).

        Raises:
            ValueError: for a factor that is not above 0.
        """
        if not 0 < factor < math.inf:
            raise ValueError(f"factor must be above 0; got {factor}.")
        self._run_until(now_s)
        toll = self._broken(lambda at_s: self._fleet.hasten_starts(at_s, toll))
        self._fleet.slow_starts(now_s, factor, toll)
        return toll

    # --- how it is done -----------------------------------------------------------------------------------------

    def _broken(self, undo: Callable[[float], None]) -> Toll:
        toll = Toll()
        self._undos[toll] = undo
        return toll

    def _engine_in_service(self, instance: int) -> Engine:
        if instance not in self.serving:
            allowed = ", ".join(map(str, self.serving)) or "none"
            raise ValueError(f"instance {instance} is not in service; in service: {allowed}.")
        return self._engines[instance]

    def _kill(self, now_s: float, instance: int, toll: Toll) -> None:
        failed = self._engines[instance].abort(lambda: self._seen(gpu_refusals.engine_died(self._settings.server)))
        self._fail(now_s, failed, toll)
        self._down[instance] = toll
        self._fleet.die(now_s, self._fleet.instances[instance], exits_in_s=self._settings.exit_s)
        self._follow_fleet()

    def _burst(self, now_s: float, engine: Engine, toll: Toll) -> None:
        server = self._settings.server
        if server == "vllm":
            number = next(number for number, one in self._engines.items() if one is engine)
            self._kill(now_s, number, toll)
            return
        self._fail(now_s, engine.abort(lambda: self._seen(gpu_refusals.out_of_memory(server)), queue=False), toll)
        engine.start(now_s)

    def _burst_no_more(self, now_s: float, toll: Toll) -> None:
        del self._box.bursts[toll]
        self._revive(now_s, toll)

    def _have_rank_back(self, now_s: float, instance: int, toll: Toll) -> None:
        engine = self._engines.get(instance)
        if engine is not None and toll in engine.hangs:
            engine.resume(now_s, toll)
            if not engine.hung:
                self._fleet.instances[instance].ends_s = math.inf
        self._revive(now_s, toll)

    def _fallen(self, toll: Toll) -> list[Instance]:
        """Return the instances that are not up again since this took them down."""
        fallen = self._fleet.in_state("dying", "loading", "starting")
        return [one for one in fallen if self._down.get(one.number) is toll]

    def _revive(self, now_s: float, toll: Toll) -> None:
        for one in self._fallen(toll):
            self._fleet.bring_up(now_s, one)
        self._down = {number: by for number, by in self._down.items() if by is not toll}
        self._shortages.remove(toll)

    def _have_machines_back(self, now_s: float, toll: Toll, k: int) -> None:
        self._fleet.return_up(now_s, k)
        self._shortages.remove(toll)

    def _quicken(self, toll: Toll) -> None:
        del self._slow_factors[toll]
        self._box.slows.remove(toll)
        self._box.slowness = self.slowdown / self._settings.speedup

    def _grow_kv(self, now_s: float, toll: Toll) -> None:
        del self._kv_ratios[toll]
        self._box.squeezes.remove(toll)
        self._size_caches(now_s)

    def _size_caches(self, now_s: float) -> None:
        self._box.kv_tokens = int(self._settings.cache_tokens * math.prod(self._kv_ratios.values()))
        for engine in self._engines.values():
            engine.make_room()
            engine.start(now_s)
