"""The embedded Toxiproxy: its proxies, driven in process. `faults.network.api` puts the HTTP API over it.

It differs from the real server on purpose, in these only (``docs/toxiproxy.md`` says why):

* chance is seeded, and drawn once per connection and toxic: one seed, one history;
* a half-close is kept: a client that has finished sending still gets its answer (the real one drops it);
* a slicer with an ``average_size`` of 0 is refused with a 400 (the real one dies of it at the first bytes);
* an address without a host means loopback, not all interfaces;
* a sender is held up after so many bytes, not chunks, that a toxic has in hand: 4 MiB under `latency`, else 64 KiB;
* ``GET /brownout/acted/NAME`` counts the connections on which toxics have acted.

A `bandwidth` with a ``rate`` of 0, its default, stalls, as over there.
"""

import dataclasses

from faults.network.proxy import MakeSocket, Proxy
from faults.network.toxics import ToxiproxyError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProxySpec:
    """What a proxy is asked to be."""

    name: str
    upstream: str
    listen: str = "127.0.0.1:0"
    enabled: bool = True


class ToxiproxyServer:
    """The collection of proxies.

    Args:
        seed: what every draw of chance starts from.
        sockets: makes the socket that a proxy listens at, where its address is none of this network's; see `proxy`.
    """

    version = "2.12.0"

    def __init__(self, seed: int, sockets: MakeSocket | None = None) -> None:
        self.seed = seed
        self._sockets = sockets
        self._proxies: dict[str, Proxy] = {}

    @property
    def proxies(self) -> dict[str, Proxy]:
        """Return the proxies by name."""
        return dict(self._proxies)

    def proxy(self, name: str) -> Proxy:
        """Return the proxy of that name.

        Raises:
            ToxiproxyError: 404, there is none.
        """
        try:
            return self._proxies[name]
        except KeyError:
            raise ToxiproxyError(404, "proxy not found") from None

    async def add_proxy(self, name: str, upstream: str, listen: str = "127.0.0.1:0", *, enabled: bool = True) -> Proxy:
        """Add a proxy, listening when enabled.

        Raises:
            ToxiproxyError: 400 for a missing name or upstream, 409 for a name that is taken, 500 for an address
                that cannot be listened on. No proxy is added then.
        """
        _require(name=name, upstream=upstream)
        if name in self._proxies:
            raise ToxiproxyError(409, "proxy already exists")
        proxy = Proxy(name, upstream=upstream, listen=listen, seed=self.seed, sockets=self._sockets)
        self._proxies[name] = proxy  # at once: the name is taken while the listener is being made
        if enabled:
            try:
                await proxy.enable()
            except ToxiproxyError:
                del self._proxies[name]
                raise
        return proxy

    async def update_proxy(
        self, name: str, *, listen: str | None = None, upstream: str | None = None, enabled: bool | None = None
    ) -> Proxy:
        """Change a proxy; what is not given stays. Another address restarts it, which closes its connections.

        Raises:
            ToxiproxyError: 404 for an unknown name, 500 for an address that cannot be listened on.
        """
        proxy = self.proxy(name)
        enabled = proxy.enabled if enabled is None else enabled
        listen, upstream = listen or proxy.listen, upstream or proxy.upstream
        if (listen, upstream) != (proxy.listen, proxy.upstream):
            await proxy.close()
            proxy.listen, proxy.upstream = listen, upstream
        await (proxy.enable() if enabled else proxy.disable())
        return proxy

    async def remove_proxy(self, name: str) -> None:
        """Take a proxy away and close its connections.

        Raises:
            ToxiproxyError: 404, there is none of that name.
        """
        proxy = self.proxy(name)
        del self._proxies[name]
        await proxy.close()

    async def populate(self, specs: list[ProxySpec]) -> list[Proxy]:
        """Have these proxies: keep those that are so already, replace those that differ, leave all others.

        Raises:
            ToxiproxyError: as `add_proxy`, at the first that cannot be had; the message says which.
        """
        for number, spec in enumerate(specs, start=1):
            _require(f" at proxy {number}", name=spec.name, upstream=spec.upstream)
        made = []
        for spec in specs:
            old = self._proxies.get(spec.name)
            if old is not None and (old.listen, old.upstream) != (spec.listen, spec.upstream):
                await self.remove_proxy(spec.name)
                old = None
            if old is None:
                old = await self.add_proxy(spec.name, spec.upstream, spec.listen, enabled=spec.enabled)
            made.append(old)
        return made

    async def reset(self) -> None:
        """Enable every proxy and take every toxic away. The proxies stay.

        Raises:
            ToxiproxyError: 500 for an address that cannot be listened on any more.
        """
        for proxy in self.proxies.values():
            proxy.remove_all_toxics()
            await proxy.enable()

    async def close(self) -> None:
        """Take every proxy away. On return nothing listens."""
        for name in self.proxies:
            await self.remove_proxy(name)


def _require(where: str = "", **fields: str) -> None:
    for field, value in fields.items():
        if not value:
            raise ToxiproxyError(400, f"missing required field: {field}{where}")
