"""The fault plane in process: for virtual time, and wherever no second process is wanted."""

from collections.abc import Mapping, Sequence

from brownout.fault import FREE_LOOPBACK_PORT, PlaneLink
from faults.network.proxy import Proxy, split_address
from faults.network.server import ToxiproxyServer


class EmbeddedLink:
    """The hold on one proxy of an embedded Toxiproxy; see `brownout.fault.PlaneLink`."""

    def __init__(self, endpoint: str, proxy: Proxy) -> None:
        self.endpoint = endpoint
        self.host, self.port = split_address(proxy.listen)
        self._proxy = proxy
        self._toxics_added = 0

    async def disable(self) -> None:
        """Refuse new connections and close the live ones."""
        await self._proxy.disable()

    async def enable(self) -> None:
        """Listen again.

        Raises:
            ToxiproxyError: the port cannot be listened on any more.
        """
        await self._proxy.enable()

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> str:
        """Add a toxic, after those already there; one kind may be there several times.

        Raises:
            ToxiproxyError: settings that cannot be.
        """
        self._toxics_added += 1
        name = f"{kind}_{stream}_{self._toxics_added}"
        self._proxy.add_toxic(kind, attributes, stream=stream, toxicity=toxicity, name=name)
        return name

    async def remove_toxic(self, name: str) -> None:
        """Take a toxic away, if it is there."""
        if name in (await self.state())[1]:
            self._proxy.remove_toxic(name)

    async def state(self) -> tuple[bool, frozenset[str]]:
        """Return whether the link is enabled, and the names of its toxics."""
        return self._proxy.enabled, frozenset(fitted.name for fitted in self._proxy.toxics)

    async def acted(self, names: Sequence[str], *, cut: bool = False) -> int:
        """Return on how many connections these toxics have acted; with ``cut``, or that the last disabling closed."""
        return self._proxy.acted(names, cut=cut)


class EmbeddedPlane:
    """The fault plane over an embedded Toxiproxy of its own; see `brownout.fault.Plane`.

    Args:
        seed: what every draw of chance starts from.
    """

    def __init__(self, seed: int) -> None:
        self.server = ToxiproxyServer(seed)

    async def add(
        self, endpoint: str, upstream_host: str, upstream_port: int, listen: str = FREE_LOOPBACK_PORT
    ) -> PlaneLink:
        """Put a proxy before an endpoint, on a free loopback port or where it is told.

        Raises:
            ToxiproxyError: the endpoint has one already.
        """
        upstream = f"{upstream_host}:{upstream_port}"
        return EmbeddedLink(endpoint, await self.server.add_proxy(endpoint, upstream, listen))

    async def close(self) -> None:
        """Take every proxy away; on return nothing listens."""
        await self.server.close()
