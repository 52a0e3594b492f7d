"""What a fault may take hold of, besides replies and links: the things of a world, and the router's process.

These are the seams between a fault and the world it breaks. The world implements them; a fault knows no more of it.
"""

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, runtime_checkable

from brownout.capacity import CapacityModel
from brownout.clock import Clock
from brownout.debts import Debt
from brownout.identity import CloudIdentity
from brownout.topology import Endpoint, Topology

P = ParamSpec("P")
T = TypeVar("T")
Spoiled: TypeAlias = Literal["nxdomain", "servfail", "empty", "silent"]
Untrusted: TypeAlias = Literal["expired", "wrong-host", "unknown-authority", "alert", "closed"]


class LeftOn(Exception):  # noqa: N818 - what is so
    """Something could not be turned, and what was begun of it may be on still. The message says both."""


class Turned(Protocol):
    """Something that was turned, and the way back."""

    def fired(self) -> int:
        """Return how often it has acted so far, counted where it acts."""
        ...

    async def undo(self) -> None:
        """Take it back. Called again after an error, it takes back what is left."""
        ...

    async def undone(self) -> bool:
        """Read back, from the thing itself, whether it is as it was."""
        ...


@runtime_checkable
class Recounting(Protocol):
    """Something turned whose count is elsewhere, so that it must be asked before `Turned.fired` is."""

    async def recount(self) -> None:
        """Ask how often it has acted. When nobody answers, the last answer stands: this raises nothing."""
        ...


class Shell(Protocol):
    """One emulated endpoint. ``capacity`` is what stands behind it."""

    endpoint: Endpoint
    capacity: CapacityModel

    @property
    def in_flight(self) -> int:
        """How many requests it is answering."""
        ...

    def turn(self, screw: Callable[Concatenate[Any, float, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Turn a screw of its capacity: ``shell.turn(GpuPool.kill_engine, 0)``."""
        ...

    def poke(self) -> None:
        """Let the capacity's news reach who waits for it, after something was admitted or released by hand."""
        ...


class Service(Protocol):
    """One identity service or control plane.

    Attributes:
        down: the HTTP status it refuses everything with, in its own words; 0: it is up.
        delay_s: how long it takes over every answer.
        skew: how far its clock is ahead of the world's.
        seen: how many requests came, answered or not.
        hit: how many of these were refused by ``down`` or held by ``delay_s``.
    """

    down: int
    delay_s: float
    skew: dt.timedelta
    seen: int
    hit: int

    @property
    def host(self) -> str:
        """Where it is reached, plainly."""
        ...

    @property
    def port(self) -> int:
        """Where it is reached, plainly."""
        ...

    async def listen(self, *, listening: bool) -> None:
        """Refuse connections, or accept them again."""
        ...

    @property
    def listening(self) -> bool:
        """Whether it accepts connections."""
        ...


class Spoil(Protocol):
    """Something that was spoiled: one word on it, among others' that may come and go meanwhile."""

    @property
    def met(self) -> int:
        """How often it was met so far."""
        ...

    @property
    def on(self) -> bool:
        """Whether it is still there."""
        ...

    def heal(self) -> None:
        """End it; what others have said holds on, or holds again."""
        ...


class Names(Protocol):
    """The world's name server. Every endpoint and service has the host name it has in production."""

    def host_of(self, endpoint: str) -> str:
        """Return an endpoint's host name."""
        ...

    def spoil(self, host: str, how: Spoiled) -> Spoil:
        """Answer for a host so from now on; of several, the last one holds."""
        ...

    def spoiled(self, host: str) -> Spoiled | None:
        """Return how a host is answered for; None when as it should be."""
        ...


class Certificates(Protocol):
    """What the endpoints show in a TLS handshake."""

    def spoil(self, endpoint: str, how: Untrusted) -> Spoil:
        """Show something else to new connections; of several, the last one holds.

        Raises:
            BadInput: nothing speaks TLS there.
        """
        ...

    def spoiled(self, endpoint: str) -> Untrusted | None:
        """Return how an endpoint's handshakes go wrong; None when they do not."""
        ...


class Hands(Protocol):
    """A world, as a fault in it may take hold of it."""

    clock: Clock
    topology: Topology
    shells: Mapping[str, Shell]
    identity: CloudIdentity
    services: Mapping[str, Service]
    names: Names
    certificates: Certificates

    def rng(self, *names: object) -> random.Random:  # noqa: TID251 - a type
        """Return a generator that depends on the run's seed and on these names."""
        ...

    def owe(self, debt: Debt) -> Callable[[], None]:
        """Write down what must be undone outside this world, before it is done; return what strikes it off."""
        ...

    def call_off(self, why: str) -> None:
        """Ask for the end of the whole run: somebody else's stop condition was met."""
        ...


class Process(Protocol):
    """The process of the router under test, with all that it started."""

    @property
    def up(self) -> bool:
        """Whether it runs and is ready."""
        ...

    @property
    def over(self) -> bool:
        """Whether it has ended for good, with its test or by itself: then nothing is left to be undone."""
        ...

    def pids(self) -> Sequence[int]:
        """Return the ids of its processes, the oldest first; none while it is down, or where they would be our own."""
        ...

    async def kill(self) -> int:
        """End it at once, as by SIGKILL, and return how many processes that ended.

        On return its port refuses connections. Nobody takes this for a death of its own. One that is down is left so.
        """
        ...

    async def terminate(self, grace_s: float) -> int:
        """Ask it to end, as by SIGTERM, and kill what is left after a grace; else the same as `kill`."""
        ...

    async def start(self) -> None:
        """Start it again, at the same address; on return it is up, or over. One that is up is left so."""
        ...

    async def call(self, method: str, path: str, body: str) -> int | None:
        """Send it a request, as an operator would; return the status of the answer, None where there is none."""
        ...
