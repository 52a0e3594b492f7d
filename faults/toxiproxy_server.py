"""toxiproxy: one toxic more on somebody's Toxiproxy, or one of its proxies switched off."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from brownout.debts import Debt, settles
from brownout.errors import BadInput
from brownout.fault import Entry, fault
from brownout.hands import Hands, LeftOn, Turned
from faults._layers import WorldOnly
from faults.network.dial import Met, dial
from faults.network.proxy import split_address
from faults.network.remote import RemoteError, RemoteProxy
from faults.network.toxics import ToxiproxyError, make_toxic

DEBT = "toxiproxy-toxic"
_LATER_S = 0.05


@fault(
    "toxiproxy",
    Entry(
        family="cloud",
        colour="#16a085",
        sees="What the toxic does to every connection through that proxy; with down, that nobody listens.",
        seen=("met every day in staging environments that have a Toxiproxy between their services",),
        needs="A Toxiproxy server that brownout may set, and a proxy on it.",
        real=True,
    ),
)
@dataclass(frozen=True, kw_only=True)
class Toxiproxy(WorldOnly):
    """A toxic is added to a proxy of a Toxiproxy that is not brownout's own, or the proxy is switched off.

    Only what was set is taken off again; others' toxics are left alone.

    Attributes:
        url: the server's control API, ``http://HOST:PORT``.
        proxy: the proxy's name there.
        toxic: the toxic's type, as Toxiproxy calls it.
        attributes: the toxic's, whole numbers, as Toxiproxy calls them; what is left out is 0. A ``timeout`` of 0 lets
            nothing through for as long as it is on.
        stream: which direction it acts on: ``downstream`` is towards the client.
        toxicity: the share of the connections it acts on, from 0 to 1.
        down: switch the proxy off instead: connections are refused, and live ones closed.
    """

    url: str
    proxy: str
    toxic: Literal["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"] = "timeout"
    attributes: dict[str, int] = field(default_factory=dict)
    stream: Literal["downstream", "upstream"] = "downstream"
    toxicity: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 1.0
    down: bool = False

    def __post_init__(self) -> None:
        """Refuse attributes that cannot be, before anything is sent."""
        if self.down and self.attributes:
            raise ValueError("down switches the proxy off: it takes no attributes of a toxic")
        try:
            made = make_toxic(self.toxic, self.attributes if not self.down else {"average_size": 1})
        except ToxiproxyError as error:
            raise ValueError(error.message) from None
        known = made.__dataclass_fields__
        for name in self.attributes:
            if name not in known:
                raise ValueError(f"{self.toxic} has no attribute {name!r}; it takes: {', '.join(known)}")

    def reaches(self) -> list[str]:
        """Return the proxy."""
        return [f"toxiproxy:{self.url.rstrip('/')}/{self.proxy}"]

    async def turn(self, hands: Hands, at: Sequence[str]) -> Turned:
        """Set it, and read it back.

        Raises:
            BadInput: there is no such proxy, or it is switched off already.
            RemoteError: it cannot be done, or was not; what was begun is taken back.
            LeftOn: that could not be; the debt stands.
        """
        del at
        remote = RemoteProxy(self.url, self.proxy)
        name = "" if self.down else f"brownout-{uuid.uuid4().hex[:12]}"
        before = await asyncio.to_thread(remote.shown)
        if self.down and not before["enabled"]:
            raise BadInput(f"{self.url}: proxy {self.proxy} is switched off already, so it cannot be switched off.")
        # Who is refused leaves no trace in any server's counts.
        counts = not self.down and await asyncio.to_thread(remote.acted) is not None
        healthy = None if counts else await _probed(before["listen"])
        what = {"url": self.url, "proxy": self.proxy, "toxic": name}
        turned = _Set(remote, name, hands.owe(Debt(kind=DEBT, what=what)))
        sent = asyncio.ensure_future(asyncio.to_thread(self._set, remote, name))
        try:
            await asyncio.shield(sent)
        except BaseException as error:
            await asyncio.wait([sent])  # what is on its way cannot be taken back before it has come
            try:
                await asyncio.shield(turned.undo())
            except RemoteError as second:
                raise LeftOn(f"{error or type(error).__name__}; it could not be taken back: {second}") from error
            raise
        if healthy is not None:
            turned.probe = asyncio.create_task(_differs(before["listen"], healthy))
        return turned

    def _set(self, remote: RemoteProxy, name: str) -> None:
        if self.down:
            remote.enable(enabled=False)
            return
        toxic = {
            "name": name,
            "type": self.toxic,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": self.attributes,
        }
        remote.add(toxic)


class _Set:
    """A toxic that was added, or a proxy that was switched off; by our name for it, or none."""

    def __init__(self, remote: RemoteProxy, name: str, strike: Callable[[], None]) -> None:
        self._remote, self._name, self._strike = remote, name, strike
        self._acted = 0
        self.probe: asyncio.Task[bool] | None = None

    def fired(self) -> int:
        """Return on how many connections it has acted; where the server cannot tell, 1 if a probe met it."""
        met = self.probe is not None and self.probe.done() and not self.probe.cancelled() and not self.probe.exception()
        return max(self._acted, int(met and self.probe is not None and self.probe.result()))

    async def recount(self) -> None:
        """Ask the server; a real one cannot tell."""
        with contextlib.suppress(RemoteError):
            found = await asyncio.to_thread(self._remote.acted)
            if found is not None:
                self._acted = len(found["toxics"].get(self._name, ()) if self._name else found["cut"])

    async def undo(self) -> None:
        """Take it away, and nothing else.

        Raises:
            RemoteError: it cannot be done, or was not; the debt stands.
        """
        if self.probe is not None:
            self.probe.cancel()
        await asyncio.to_thread(_take_back, self._remote, self._name)
        self._strike()

    async def undone(self) -> bool:
        """Read back that it is gone. A proxy that somebody deleted meanwhile has nothing of ours either."""
        if self._name:
            return self._name not in await asyncio.to_thread(self._remote.toxics)
        return await asyncio.to_thread(self._remote.enabled) is not False


def _take_back(remote: RemoteProxy, toxic: str) -> None:
    if toxic:
        remote.remove(toxic)
    else:
        remote.enable(enabled=True)


@settles(DEBT)
def settle(what: Mapping[str, str]) -> None:
    """Take a toxic away, or switch a proxy on again. Blocks.

    Raises:
        RemoteError: it cannot be done, or was not.
    """
    _take_back(RemoteProxy(what["url"], what["proxy"]), what["toxic"])


@dataclass(frozen=True, kw_only=True)
class _Address:
    host: str
    port: int


async def _probed(listen: str) -> Met | None:
    """Dial a proxy on this machine, and return what is met; None for one that is elsewhere."""
    host, port = split_address(listen)
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - what a real server shows for ":PORT"
    return await dial(_Address(host=host, port=port)) if host in {"127.0.0.1", "::1"} else None


async def _differs(listen: str, healthy: Met) -> bool:
    """Return whether a dial now ends otherwise than before, or clearly later."""
    now = await _probed(listen)
    return now is not None and (now.how != healthy.how or _told_s(now) > _told_s(healthy) + _LATER_S)


def _told_s(one: Met) -> float:
    """When a caller was told something: by the first byte, or by the connection's end."""
    return one.first_s if one.length else one.ended_s or 0.0
