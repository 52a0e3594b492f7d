"""The fault plane in process: for virtual time, and wherever no second process is wanted."""

from collections.abc import Mapping

from brownout.fault import Link
from faults.network.proxy import Proxy, split_address
from faults.network.server import ToxiproxyServer


class EmbeddedLink:
    """The hold on one proxy of an embedded Toxiproxy; see `brownout.fault.Link`."""

    def __init__(self, endpoint: str, proxy: Proxy) -> None:
        self.endpoint = endpoint
        self.host, self.port = split_address(proxy.listen)
        self._proxy = proxy
        self._toxics_added = 0

    async def disable(self) -> None:
        """Refuse new connections and close the live ones."""
        await self._proxy.disable()

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> None:
        """Add a toxic, after those already there; one kind may be there several times.

        Raises:
            ToxiproxyError: settings that cannot be.
        """
        self._toxics_added += 1
        name = f"{kind}_{stream}_{self._toxics_added}"
        self._proxy.add_toxic(kind, attributes, stream=stream, toxicity=toxicity, name=name)

    async def restore(self) -> None:
        """Take every toxic away and enable the link.

        Raises:
            ToxiproxyError: the port cannot be listened on any more.
        """
        self._proxy.remove_all_toxics()
        await self._proxy.enable()

    async def is_clean(self) -> bool:
        """Return whether the link is enabled and bears no toxic."""
        return self._proxy.enabled and not self._proxy.toxics


class EmbeddedPlane:
    """The fault plane over an embedded Toxiproxy of its own; see `brownout.fault.Plane`.

    Args:
        seed: what every draw of chance starts from.
    """

    def __init__(self, seed: int) -> None:
        self.server = ToxiproxyServer(seed)

    async def add(self, endpoint: str, upstream_host: str, upstream_port: int) -> Link:
        """Put a proxy before an endpoint, on a free loopback port.

        Raises:
            ToxiproxyError: the endpoint has one already.
        """
        return EmbeddedLink(endpoint, await self.server.add_proxy(endpoint, f"{upstream_host}:{upstream_port}"))

    async def close(self) -> None:
        """Take every proxy away; on return nothing listens."""
        await self.server.close()
