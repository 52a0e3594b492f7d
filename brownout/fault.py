"""Fault: frozen settings plus one verb.

A fault acts in one of five ways (which one may depend on its settings); ``acts_on`` says which:

* ``reply``: ``pipe(exchange, reply)``: an async generator through which every reply of the endpoint flows, in the
  dialect-free nouns of `brownout.wire`. Raise `Refusal` before the first event for an error, `Cut` to end without a
  terminator, sleep by ``exchange.sleep`` to be slow.
* ``wire``: ``writer`` and ``whole``: the bytes of a reply, after the dialect has made them.
* ``network``: ``inject(link)``: sets the link (a Toxiproxy proxy) before the endpoint. What it set is taken off by
  whoever holds the link.
* ``world``: ``turn(hands, at)``: changes what stands in the world: capacity, identity, names, certificates, a real
  cloud. It returns the way back (`Turned`).
* ``target``: ``strike(process)``: the same for the process of the router under test.
"""

import dataclasses
import datetime as dt
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import msgspec

from brownout.errors import BadInput, nearest, unknown
from brownout.hands import Hands, Process, Turned
from brownout.plan import ClockName
from brownout.topology import Endpoint
from brownout.wire import Ask, Event, HttpReply, StreamWriter

Layer: TypeAlias = Literal["network", "reply", "wire", "world", "target"]
LAYERS: Mapping[Layer, str] = {
    "network": "the fault plane (Toxiproxy) before the endpoint",
    "reply": "the emulated endpoint, in what it answers",
    "wire": "the emulated endpoint, in the bytes of what it answers",
    "world": "what stands behind the endpoints: capacity, identity, names, certificates, a real cloud",
    "target": "the process of the router under test",
}
Family: TypeAlias = Literal["region", "throttling", "gpu", "stream", "gray", "identity", "process", "cloud"]
FAMILIES: tuple[Family, ...] = ("region", "throttling", "gpu", "stream", "gray", "identity", "process", "cloud")


class Exchange(Protocol):
    """One request at one endpoint, as a reply fault or a wire fault sees it.

    Attributes:
        endpoint: the endpoint's name.
        ask: what is asked for.
        tenant: whose request it is; None for traffic that is not the load's.
        rng: this exchange's alone.
        memory: what the injection remembers from one request to the next, at all its endpoints together.
        for_s: how long the injection is to stay on.
    """

    endpoint: str
    ask: Ask
    tenant: str | None
    rng: random.Random  # noqa: TID251 - a type
    memory: dict[str, Any]
    for_s: float

    @property
    def on_for_s(self) -> float:
        """How long the injection has been on by now."""
        ...

    @property
    def utc(self) -> dt.datetime:
        """The date and time of day, for replies that name an instant."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Wait, on the world's clock; what has passed the fault so far is sent first."""
        ...

    def fired(self, acts: int = 1, *, falsified: bool = False) -> None:
        """Count this exchange as touched by the fault, once; and so many acts (tokens, frames) more.

        A fault that never says so gives no verdict.

        Args:
            acts: how many more.
            falsified: whether the answer is wrong now while nothing in the protocol says so. Who passes it on is not
                to blame for that; see `brownout.evidence.ProviderRecord`.
        """
        ...


class Link(Protocol):
    """The network before one endpoint, as a fault may set it.

    ``host`` and ``port`` are where callers connect. Whatever is set by one injection is taken off with it, and leaves
    what others have set.
    """

    endpoint: str
    host: str
    port: int

    async def disable(self) -> None:
        """Refuse new connections and close the live ones."""
        ...

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> None:
        """Add a toxic of Toxiproxy's; its attributes are whole numbers, ``toxicity`` is the share of connections."""
        ...


FREE_LOOPBACK_PORT = "127.0.0.1:0"


class PlaneLink(Protocol):
    """The fault plane's own hold on the network before one endpoint."""

    endpoint: str
    host: str
    port: int

    async def disable(self) -> None:
        """Refuse new connections and close the live ones."""
        ...

    async def enable(self) -> None:
        """Listen again, if it does not."""
        ...

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> str:
        """Add a toxic and return its name, unique on this link for good."""
        ...

    async def remove_toxic(self, name: str) -> None:
        """Take a toxic of that name away; one that is not there is left so."""
        ...

    async def state(self) -> tuple[bool, frozenset[str]]:
        """Read back whether the link is enabled, and the names of the toxics on it."""
        ...

    async def acted(self, names: Sequence[str], *, cut: bool = False) -> int:
        """Return on how many connections these toxics have acted so far; 0 where the plane cannot tell.

        Args:
            names: the toxics'.
            cut: whether to count those, too, that were closed when the link was last disabled.
        """
        ...


class Plane(Protocol):
    """The fault plane: a Toxiproxy with one proxy before every endpoint."""

    async def add(
        self, endpoint: str, upstream_host: str, upstream_port: int, listen: str = FREE_LOOPBACK_PORT
    ) -> PlaneLink:
        """Put a proxy before an endpoint, on a free loopback port or where it is told, and return the hold on it."""
        ...

    async def close(self) -> None:
        """Take away every proxy of ours; on return nothing of ours listens."""
        ...


@runtime_checkable
class ReplyFault(Protocol):
    """A fault in what the endpoint answers."""

    def pipe(self, exchange: Exchange, reply: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Pass the reply through, changed."""
        ...


@runtime_checkable
class WireFault(Protocol):
    """A fault in the bytes of what the endpoint answers."""

    def writer(self, exchange: Exchange, writer: StreamWriter) -> StreamWriter:
        """Return the encoder of a streamed reply, changed (or as it is)."""
        ...

    def whole(self, exchange: Exchange, reply: HttpReply) -> HttpReply:
        """Return a reply that is not streamed, an error, or the head of a streamed one (its body is empty), changed."""
        ...


@runtime_checkable
class NetworkFault(Protocol):
    """A fault in the network before the endpoint."""

    async def inject(self, link: Link) -> None:
        """Set the link."""
        ...

    async def felt(self, link: Link) -> bool:
        """Dial the link as a caller would and return whether the fault is met there.

        This is how a network fault proves that it fired: a refused connection leaves no other trace.
        """
        ...


@runtime_checkable
class WorldFault(Protocol):
    """A fault in what stands in the world."""

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Turn it, at these endpoints, and return the way back. What was begun is undone before an error is raised.

        Raises:
            LeftOn: it could not be turned, and what was begun could not be undone.
        """
        ...


@runtime_checkable
class TargetFault(Protocol):
    """A fault in the process of the router under test."""

    async def strike(self, process: Process) -> Turned:
        """Strike it, and return the way back."""
        ...


@runtime_checkable
class Fault(Protocol):
    """What every fault has, whichever way it acts."""

    kind: ClassVar[str]
    entry: ClassVar["Entry"]

    @property
    def acts_on(self) -> Layer:
        """Which of the ways this instance acts in."""
        ...


@runtime_checkable
class Choosy(Protocol):
    """A fault that cannot act at every endpoint."""

    def unfit(self, endpoint: Endpoint) -> str:
        """Return why it cannot act there, to follow "at NAME: "; empty when it can."""
        ...


@runtime_checkable
class Scalable(Protocol):
    """A fault that has a strength: it can ramp though it touches everybody at once."""

    def scaled(self, strength: float) -> Fault:
        """Return the same fault at a part of its strength, which is above 0 and at most 1."""
        ...


@runtime_checkable
class Reaching(Protocol):
    """A fault that acts on things that are not brownout's own: `Entry.real`."""

    def reaches(self) -> list[str]:
        """Return what it acts on, as ``may_inject`` of ``brownout.yaml`` names it: ``aws-fis:us-east-1/EXT1a2b``."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A fault's entry in the catalogue (``brownout faults``).

    Attributes:
        family: what kind of trouble it is.
        sees: what a customer of the endpoint sees, in a sentence.
        seen: where it was seen in the wild: what, when, and a URL or the document that says so.
        needs: what must be there for it to act, beyond an emulated world; empty for nothing.
        colour: how it is drawn on a timeline (CSS).
        real: whether it acts on things that are not brownout's own (see `brownout.allowed`).
        clocks: on which clocks it can be had; what needs processes or sockets cannot be had in virtual time.
    """

    family: Family
    sees: str
    seen: tuple[str, ...]
    needs: str = ""
    colour: str = "#c0392b"
    real: bool = False
    clocks: tuple[ClockName, ...] = ("real", "virtual")


F = TypeVar("F", bound=type)
_FAULTS: dict[str, type] = {}
FAULTS: Mapping[str, type] = MappingProxyType(_FAULTS)


def fault(kind: str, entry: Entry) -> Callable[[F], F]:
    """Register a fault under the name users write.

    Args:
        kind: lower-case words joined by hyphens.
        entry: what the catalogue says of it.
    """

    def register(cls: F) -> F:
        if kind in _FAULTS:
            raise TypeError(f"fault {kind!r} is claimed by both {_FAULTS[kind].__qualname__} and {cls.__qualname__}")
        cls.kind = kind  # type: ignore[attr-defined]
        cls.entry = entry  # type: ignore[attr-defined]
        _FAULTS[kind] = cls
        return cls

    return register


def make_fault(kind: str, settings: Mapping[str, Any], *, where: str = "") -> Fault:
    """Return the fault of that kind with these settings.

    Raises:
        BadInput: unknown kind or setting, or a value of the wrong type or outside its bounds.
    """
    if kind not in FAULTS:
        raise unknown("fault", kind, FAULTS, where=where)
    cls = FAULTS[kind]
    place = f"{where}: " if where else ""
    allowed = [field.name for field in dataclasses.fields(cls)]
    for name in settings:
        if name not in allowed:
            raise BadInput(
                f"{place}fault {kind!r} has no setting {name!r}.{nearest(name, allowed)} "
                f"It takes: {', '.join(allowed) or 'none'}."
            )
    try:
        made: Fault = msgspec.convert(dict(settings), cls)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadInput(f"{place}fault {kind!r}: {error}.") from None
    for name, value in settings_of(made).items():
        if isinstance(value, float) and not math.isfinite(value):  # JSON, in which worlds are told, has no such number
            raise BadInput(f"{place}fault {kind!r}: {name} must be a finite number, not {value}.")
    return made


def settings_of(made: Fault) -> dict[str, Any]:
    """Return a fault's settings as plain data, for a plan or a control message."""
    return dataclasses.asdict(made)  # type: ignore[call-overload,no-any-return]
