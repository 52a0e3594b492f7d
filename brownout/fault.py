"""Fault: frozen settings plus one verb.

A fault acts in one of two ways (or, by its settings, in either):

* **reply faults** have ``pipe(exchange, reply)``: an async generator through which every reply of the
  endpoint flows, in the dialect-free nouns of `brownout.wire`. Raise `Refusal` before the first event for
  an error, `Cut` to end without a terminator, sleep by ``exchange.sleep`` to be slow.
* **network faults** have ``inject(link)``: they set the link (a Toxiproxy proxy) before the endpoint. Their
  undo is `Link.restore`, the same for all, and it is read back.

``acts_on`` says which of the two a given instance is.
"""

import dataclasses
import random
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import msgspec

from brownout.errors import BadInput, nearest, unknown
from brownout.wire import Ask, Event

Layer: TypeAlias = Literal["network", "reply"]


class Exchange(Protocol):
    """One request at one endpoint, as a reply fault sees it."""

    endpoint: str
    ask: Ask
    tenant: str | None
    rng: random.Random  # noqa: TID251 - a type

    async def sleep(self, duration_s: float) -> None:
        """Wait, on the world's clock."""
        ...

    def fired(self) -> None:
        """Count this exchange as touched by the fault. A fault that never says so gives no verdict."""
        ...


class Link(Protocol):
    """The fault plane's hold on the network before one endpoint.

    ``host`` and ``port`` are where callers connect.
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
        """Add a toxic of Toxiproxy's; its attributes are whole numbers."""
        ...

    async def restore(self) -> None:
        """Enable the link and take every toxic of ours away."""
        ...

    async def is_clean(self) -> bool:
        """Read back whether the link is enabled and bears no toxic."""
        ...


class Plane(Protocol):
    """The fault plane: a Toxiproxy with one proxy before every endpoint."""

    async def add(self, endpoint: str, upstream_host: str, upstream_port: int) -> Link:
        """Put a proxy before an endpoint, on a free loopback port, and return the hold on it."""
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
class NetworkFault(Protocol):
    """A fault in the network before the endpoint."""

    async def inject(self, link: Link) -> None:
        """Set the link. Undo is `Link.restore`."""
        ...

    async def felt(self, link: Link) -> bool:
        """Dial the link as a caller would and return whether the fault is met there.

        This is how a network fault proves that it fired: a refused connection leaves no other trace.
        """
        ...


@runtime_checkable
class Fault(Protocol):
    """What every fault has, whichever way it acts."""

    kind: ClassVar[str]
    colour: ClassVar[str]

    @property
    def acts_on(self) -> Layer:
        """Which of the two ways this instance acts in."""
        ...


F = TypeVar("F", bound=type)
_FAULTS: dict[str, type] = {}
FAULTS: Mapping[str, type] = MappingProxyType(_FAULTS)


def fault(kind: str, *, colour: str) -> Callable[[F], F]:
    """Register a fault under the name users write.

    Args:
        kind: lower-case words joined by hyphens.
        colour: how it is drawn on a timeline (CSS).
    """

    def register(cls: F) -> F:
        if kind in _FAULTS:
            raise TypeError(f"fault {kind!r} is claimed by both {_FAULTS[kind].__qualname__} and {cls.__qualname__}")
        cls.kind = kind  # type: ignore[attr-defined]
        cls.colour = colour  # type: ignore[attr-defined]
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
    return made


def settings_of(made: Fault) -> dict[str, Any]:
    """Return a fault's settings as plain data, for a plan or a control message."""
    return dataclasses.asdict(made)  # type: ignore[call-overload,no-any-return]
