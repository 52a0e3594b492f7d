"""``gpu-pool``: a pool of GPU instances, what a topology says of it, and the screws that faults turn."""

import math
import random

from brownout.capacity import gpu_refusals
from brownout.capacity.gpu_engine import Engine
from brownout.capacity.gpu_serving import InstanceView, ServingPool
from brownout.capacity.gpu_settings import ServingSettings
from brownout.capacity.paced import Limits
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
    """A `ServingPool` with what can go wrong in it. Each screw takes effect at once and names its undo.

    Args:
        settings: see there.
        rng: draws the spread of start-up stages; nothing else here is left to chance.
    """

    def __init__(self, settings: ServingSettings, rng: random.Random) -> None:  # noqa: TID251 - a type
        super().__init__(settings, rng)
        self._kv_ratios: list[float] = []
        self._slow_factors: list[float] = []

    @property
    def slowdown(self) -> float:
        """How many times longer than they should steps begun now take (ratio)."""
        return math.prod(self._slow_factors)

    def lose_rank(self, now_s: float, instance: int) -> None:
        """Lose one of an instance's tensor-parallel ranks (a GPU off the bus, a collective that never ends).

        Clients get no byte more while their connections stay open, and the health check still passes, so new
        requests are sent there too. After ``watchdog_s`` of a stuck step the process aborts: connections are cut and
        the instance restarts (torch: "Watchdog caught collective operation timeout"; vllm-project/vllm issue 7775).
        Undo before then: `restore_rank`.

        Raises:
            ValueError: where the instance is not in service.
        """
        self._run_until(now_s)
        self._engine_in_service(instance).hang()
        self._watch(now_s)

    def restore_rank(self, now_s: float, instance: int) -> None:
        """Undo `lose_rank`: what hung goes on. Without effect once the watchdog has aborted the process."""
        self._run_until(now_s)
        engine = self._engines.get(instance)
        if engine is not None and engine.hung:
            engine.resume(now_s)
            self._fleet.instances[instance].ends_s = math.inf

    def kill_engine(self, now_s: float, instance: int) -> None:
        """Let an instance's engine die (illegal memory access, a worker killed).

        Requests in flight get a 500 without a body, streams an error as their next event, new ones a 500 where no
        other instance is in service; after ``exit_s`` the server exits and restarts, and without another instance
        connections are refused until it is up (vLLM's ``entrypoints/launcher.py``; issues 20170, 12233, 42363).
        It cannot be undone.

        Raises:
            ValueError: where the instance is not in service.
        """
        self._run_until(now_s)
        engine = self._engine_in_service(instance)
        self._fail(now_s, engine.abort(lambda: self._seen(gpu_refusals.engine_died(self._settings.server))))
        self._fleet.die(now_s, self._fleet.instances[instance], exits_in_s=self._settings.exit_s)
        self._follow_fleet()

    def out_of_memory(self, now_s: float, instance: int) -> None:
        """Let a step run out of GPU memory.

        vLLM's engine dies of it (see `kill_engine`). TGI and Triton fail the batch, a 424 and a 500, and go on with
        their queue (that TGI's is a generation error is inferred from ``router/src/infer``). It cannot be undone.

        Raises:
            ValueError: where the instance is not in service.
        """
        server = self._settings.server
        if server == "vllm":
            self.kill_engine(now_s, instance)
            return
        self._run_until(now_s)
        engine = self._engine_in_service(instance)
        self._fail(now_s, engine.abort(lambda: self._seen(gpu_refusals.out_of_memory(server)), queue=False))
        engine.start(now_s)

    def shrink_kv(self, now_s: float, ratio: float) -> None:
        """Leave a part of every KV cache: the newest requests lose their places at once, their streams stall.

        Requests that fit no more wait, without an error, and those behind them. Undo: `restore_kv` with the same ratio.

        Raises:
            ValueError: for a ratio that is not between 0 and 1.
        """
        if not 0 < ratio <= 1:
            raise ValueError(f"ratio must be above 0 and at most 1; got {ratio}.")
        self._run_until(now_s)
        self._kv_ratios.append(ratio)
        self._size_caches(now_s)

    def restore_kv(self, now_s: float, ratio: float) -> None:
        """Undo one `shrink_kv`. Raises ValueError where there was none with this ratio."""
        self._run_until(now_s)
        _take_out(self._kv_ratios, ratio, "KV caches were not shrunk to")
        self._size_caches(now_s)

    def slow_steps(self, now_s: float, factor: float) -> None:
        """Make every step take longer (a GPU that throttles, a slow link between ranks); those under way do not.

        Streams flow more slowly and queues grow. Undo: `restore_steps` with the same factor.

        Raises:
            ValueError: for a factor that is not above 0.
        """
        if not 0 < factor < math.inf:
            raise ValueError(f"factor must be above 0; got {factor}.")
        self._run_until(now_s)
        self._slow_factors.append(factor)
        self._box.slowness = self.slowdown / self._settings.speedup

    def restore_steps(self, now_s: float, factor: float) -> None:
        """Undo one `slow_steps`. Raises ValueError where there was none with this factor."""
        self._run_until(now_s)
        _take_out(self._slow_factors, factor, "steps were not slowed by")
        self._box.slowness = self.slowdown / self._settings.speedup

    def lose_instances(self, now_s: float, k: int) -> None:
        """Lose machines, those in service and the newest first (nodes off the network: OpenAI, 10 June 2025).

        Their connections are cut. Replacements come up through all stages where there are spares; else each attempt
        is an ``InsufficientInstanceCapacity`` in `events`. Undo: `restore_instances` with the same number.

        Raises:
            ValueError: for more than there are, or none.
        """
        self._run_until(now_s)
        for one in self._fleet.lose(now_s, k):
            engine = self._engines.get(one.number)
            self._fail(now_s, [] if engine is None else engine.abort(self._cut))
        self._follow_fleet()

    def restore_instances(self, now_s: float, k: int) -> None:
        """Undo `lose_instances`: so many machines can be had again, and come up through all stages.

        Raises:
            ValueError: for more than were lost.
        """
        self._run_until(now_s)
        self._fleet.give_back(k)

    def withhold_instances(self, now_s: float) -> None:
        """Let no more instances be had: scale-out fails (EC2: ``InsufficientInstanceCapacity``) and is asked for again.

        Undo: `offer_instances`.
        """
        self._run_until(now_s)
        self._fleet.withhold()

    def offer_instances(self, now_s: float) -> None:
        """Undo one `withhold_instances`. Raises ValueError where there was none."""
        self._run_until(now_s)
        self._fleet.offer()

    def _engine_in_service(self, instance: int) -> Engine:
        serving = [one.number for one in self._fleet.in_state("in-service")]
        if instance not in serving:
            allowed = ", ".join(map(str, serving)) or "none"
            raise ValueError(f"instance {instance} is not in service; in service: {allowed}.")
        return self._engines[instance]

    def _size_caches(self, now_s: float) -> None:
        self._box.kv_tokens = int(self._settings.cache_tokens * math.prod(self._kv_ratios))
        for engine in self._engines.values():
            engine.make_room()
            engine.start(now_s)


def _take_out(values: list[float], value: float, what: str) -> None:
    if value not in values:
        raise ValueError(f"{what} {value}; now in force: {', '.join(map(str, values)) or 'none'}.")
    values.remove(value)
