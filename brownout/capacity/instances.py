"""Instances that serve: how they come up, restart, are asked for, are lost and cannot be had.

Stages of a new one: ``provisioning`` (a machine is found and boots), ``pulling`` (the container's image and the weights
are fetched side by side), ``starting`` (weights go to the GPU, the server answers its health check), ``in-service``.
A process that ended comes back on its machine, where image and weights are still: ``loading``, then ``starting``.
"""

import math
import random
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from brownout.capacity.toll import Toll

State: TypeAlias = Literal[
    "provisioning",
    "pulling",
    "loading",
    "starting",
    "in-service",
    "dying",  # the engine is dead, the server in front of it not yet
    "draining",  # taken out of service; ends what it has
    "gone",
]
_NEXT: dict[State, State] = {
    "provisioning": "pulling",
    "pulling": "starting",
    "loading": "starting",
    "starting": "in-service",
    "in-service": "loading",
    "dying": "loading",
    "draining": "gone",
}
_STARTING: tuple[State, ...] = ("provisioning", "pulling", "loading", "starting")
INSUFFICIENT_CAPACITY: Literal["InsufficientInstanceCapacity"] = "InsufficientInstanceCapacity"
"""EC2's name for a machine that cannot be had; SageMaker meets it at create and at scale-out, and asks on and on."""


class FleetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many instances there are and can be, and how long one takes to come up.

    The defaults are of one published start (AWS machine learning blog on SageMaker's container caching: Qwen3-8B on a
    new ml.g6.2xlarge): 525 s in all, of which 333 s pull the image while 168 s fetch the weights. How the 192 s left
    divide into provisioning and starting was not published: that division is ours. Larger weights take longer in
    proportion; a cached image takes no time (``image_pull_s: 0``).

    Attributes:
        instances: in service at the beginning.
        max_instances: no more than these are ever asked for; None for no bound.
        spare_instances: how many more can be had than there are at the beginning; None for as many as are asked for.
        provision_s: until a machine runs.
        image_pull_s: for the container's image.
        weights_s: for the model's weights, from storage on a new machine and from disk on a restart.
        start_s: until the server is healthy.
        startup_scale: multiplies the four above (ratio); a test's way to make them short.
        startup_jitter: the half-width of the uniform spread of each stage (ratio).
        capacity_retry_s: how long until a machine that could not be had is asked for again.

    Raises:
        ValueError: for a number out of its bounds.
    """

    instances: int = 1
    max_instances: int | None = None
    spare_instances: int | None = None
    provision_s: float = 90.0
    image_pull_s: float = 333.0
    weights_s: float = 168.0
    start_s: float = 102.0
    startup_scale: float = 1.0
    startup_jitter: float = 0.0
    capacity_retry_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("provision_s", "image_pull_s", "weights_s", "start_s", "startup_scale"):
            at_least(name, getattr(self, name), 0)
        at_least("instances", self.instances, 0)
        above("capacity_retry_s", self.capacity_retry_s, 0)
        if self.spare_instances is not None:
            at_least("spare_instances", self.spare_instances, 0)
        if not 0 <= self.startup_jitter < 1:
            raise ValueError(f"startup_jitter must be from 0 to below 1; got {self.startup_jitter}.")
        if self.max_instances is not None and self.max_instances < self.instances:
            raise ValueError(f"max_instances ({self.max_instances}) must not be below instances ({self.instances}).")


def at_least(name: str, value: float, bound: float) -> None:
    """Raise ValueError for a setting below its bound, or not a finite number."""
    if not bound <= value < math.inf:
        raise ValueError(f"{name} must be at least {bound}; got {value}.")


def above(name: str, value: float, bound: float) -> None:
    """Raise ValueError for a setting at its bound or below, or not a finite number."""
    if not bound < value < math.inf:
        raise ValueError(f"{name} must be above {bound}; got {value}.")


class Instance:
    """One instance.

    Attributes:
        number: never used again.
        state: see the module.
        since_s: when it came into this state.
        ends_s: when the state ends by itself; infinite where it does not.
    """

    __slots__ = ("ends_s", "number", "since_s", "state")

    def __init__(self, number: int, state: State, since_s: float, ends_s: float = math.inf) -> None:
        self.number = number
        self.state = state
        self.since_s = since_s
        self.ends_s = ends_s


class FleetEvent(NamedTuple):
    """What a control plane's log would say: an instance came into a state, or one could not be had (None)."""

    at_s: float
    what: State | Literal["InsufficientInstanceCapacity"]
    instance: int | None


class Fleet:
    """All instances of an endpoint, and how many are wanted.

    Args:
        settings: see there.
        rng: draws the spread of the stages.

    Attributes:
        desired: how many are wanted.
        instances: those that are, by number.
        events: what happened so far.
    """

    def __init__(self, settings: FleetSettings, rng: random.Random) -> None:  # noqa: TID251 - a type
        self.desired = settings.instances
        self.instances: dict[int, Instance] = {}
        self.events: list[FleetEvent] = []
        self._settings = settings
        self._rng = rng
        self._numbers = 0
        spare = math.inf if settings.spare_instances is None else settings.spare_instances
        self._machines = settings.instances + spare
        self._lost = 0
        self._withheld: list[Toll] = []
        self._slow_starts: dict[Toll, float] = {}
        self._retry_s = math.inf
        for _ in range(settings.instances):
            self._add(0.0, "in-service")

    @property
    def current(self) -> int:
        """How many are in service."""
        return len(self.in_state("in-service"))

    def in_state(self, *states: State) -> list[Instance]:
        """Return the instances in some states, oldest first."""
        return [one for one in self.instances.values() if one.state in states]

    def wakes_at_s(self) -> float:
        """Return when something happens next; infinite when nothing does."""
        return min([self._retry_s, *[one.ends_s for one in self.instances.values()]])

    def turn(self, now_s: float) -> list[Instance]:
        """Let what is due now happen; return the instances that came into another state.

        Args:
            now_s: no later than `wakes_at_s` said.
        """
        due = [one for one in self.instances.values() if one.ends_s <= now_s]
        for one in due:
            self._come_into(now_s, one, _NEXT[one.state])
        if self._retry_s <= now_s:
            self._reconcile(now_s)
        return due

    def scale_to(self, now_s: float, instances: int) -> None:
        """Ask for another number of instances.

        More begin to provision, as far as they can be had; the rest is asked for again every ``capacity_retry_s``
        (AWS: SageMaker retries the same instance type). Fewer: those not in service go first, then the newest drain.

        Raises:
            ValueError: for less than none, or more than ``max_instances``.
        """
        most = self._settings.max_instances
        if instances < 0 or (most is not None and instances > most):
            raise ValueError(f"instances must be from 0 to {'any number' if most is None else most}; got {instances}.")
        self.desired = instances
        for one in self._expendable()[: max(len(self._staying()) - instances, 0)]:
            self._come_into(now_s, one, "draining" if one.state == "in-service" else "gone")
        self._reconcile(now_s)

    def end(self, now_s: float, instance: Instance) -> None:
        """Let a drained instance go; its machine is free."""
        self._come_into(now_s, instance, "gone")

    def die(self, now_s: float, instance: Instance, *, exits_in_s: float) -> None:
        """Begin the death of an instance's server; it restarts on its machine after it has exited."""
        self._come_into(now_s, instance, "dying")
        instance.ends_s = now_s + exits_in_s

    def lose(self, now_s: float, machines: int) -> list[Instance]:
        """Take machines away for good, those in service and the newest first; return what ran on them.

        Replacements are asked for at once, and come where there are spares.

        Raises:
            ValueError: for more than there are, or none.
        """
        if not 1 <= machines <= len(self.instances):
            raise ValueError(f"between 1 and {len(self.instances)} instances can be lost; got {machines}.")
        lost = sorted(self.instances.values(), key=lambda one: (one.state == "in-service", one.number))[-machines:]
        self._lost += machines
        for one in lost:
            self._come_into(now_s, one, "gone")
        self._reconcile(now_s)
        return lost

    def return_up(self, now_s: float, machines: int) -> None:
        """Give lost machines back, and let them serve at once: in their own right, or as the replacements under way.

        Raises:
            ValueError: for more than were lost.
        """
        if not 1 <= machines <= self._lost:
            raise ValueError(f"between 1 and {self._lost} lost instances can come back; got {machines}.")
        self._lost -= machines
        missing = min(max(self.desired - len(self._staying()), 0), machines)
        for _ in range(missing):
            self._add(now_s, "in-service")
        replaced = self.in_state("provisioning", "pulling", "starting")[::-1]
        for one in replaced[: machines - missing]:
            self.bring_up(now_s, one)
        self._reconcile(now_s)

    def bring_up(self, now_s: float, instance: Instance) -> None:
        """Let an instance that starts be in service at once."""
        self._come_into(now_s, instance, "in-service")

    def withhold(self, toll: Toll) -> None:
        """Let no machine be had from now on; tell of every one that could have been."""
        self._withheld.append(toll)

    def offer(self, toll: Toll) -> None:
        """Undo one `withhold`."""
        self._withheld.remove(toll)

    def slow_starts(self, now_s: float, factor: float, toll: Toll) -> None:
        """Make what is left of every stage of a start take so many times longer, and tell of the instances."""
        self._slow_starts[toll] = factor
        for one in self.in_state(*_STARTING):
            one.ends_s = now_s + (one.ends_s - now_s) * factor
            toll.note_instance(one.number)

    def hasten_starts(self, now_s: float, toll: Toll) -> None:
        """Undo one `slow_starts`: what is left goes at its own pace."""
        factor = self._slow_starts.pop(toll)
        for one in self.in_state(*_STARTING):
            one.ends_s = now_s + (one.ends_s - now_s) / factor

    def _staying(self) -> list[Instance]:
        return [one for one in self.instances.values() if one.state != "draining"]

    def _expendable(self) -> list[Instance]:
        """All that stay, in the order in which they are let go."""
        return sorted(self._staying(), key=lambda one: (one.state == "in-service", -one.number))

    def _reconcile(self, now_s: float) -> None:
        missing = self.desired - len(self._staying())
        there = max(min(missing, self._machines - self._lost - len(self.instances)), 0)
        for _ in range(int(there)):
            if self._withheld:
                for toll in self._withheld:
                    toll.note_refused()
                continue
            self._add(now_s, "provisioning")
            missing -= 1
        self._retry_s = math.inf
        if missing > 0:
            self.events.append(FleetEvent(now_s, INSUFFICIENT_CAPACITY, None))
            self._retry_s = now_s + self._settings.capacity_retry_s

    def _add(self, now_s: float, state: State) -> None:
        one = Instance(self._numbers, state, now_s)
        self._numbers += 1
        self.instances[one.number] = one
        self._come_into(now_s, one, state)

    def _come_into(self, now_s: float, one: Instance, state: State) -> None:
        if state != "draining":  # a process whose end is set ends, drained or not
            one.ends_s = now_s + self._stage_s(state)
        one.state, one.since_s = state, now_s
        if state in _STARTING:
            for toll in self._slow_starts:
                toll.note_instance(one.number)
        self.events.append(FleetEvent(now_s, state, one.number))
        if state == "gone":
            del self.instances[one.number]

    def _stage_s(self, state: State) -> float:
        settings = self._settings
        stages: dict[State, float] = {
            "provisioning": settings.provision_s,
            "pulling": max(settings.image_pull_s, settings.weights_s),
            "loading": settings.weights_s,
            "starting": settings.start_s,
        }
        if state not in stages:
            return math.inf
        spread = 1.0 + settings.startup_jitter * self._rng.uniform(-1.0, 1.0)
        return stages[state] * settings.startup_scale * spread * math.prod(self._slow_starts.values())
