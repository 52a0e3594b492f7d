"""The fault plane over a Toxiproxy in another process or thread, real or embedded, by toxiproxy-python.

All dealings with toxiproxy-python 0.1.1 are in this file, because of what it does:

* its host and port belong to the class, so to the whole process: a second server is refused here;
* it maps 400, 404 and 409 only; any other error passes over silently, or ends in a bare ``KeyError: 'name'``: every
  status is checked here;
* it has no timeout, obeys ``HTTP_PROXY`` even for loopback, and opens a connection for every call: what is sent goes
  over sessions of our own, and its answer through the client's judgement;
* it does not quote names in paths: names are made of harmless characters;
* it cannot update a toxic, and its ``down()`` enables what was disabled before: neither is used.

After every change the server is asked for what it now has: an undo that was not read back is a hope.
"""

import asyncio
import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from toxiproxy import Proxy, Toxiproxy
from toxiproxy.api import APIConsumer, validate_response
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from brownout.errors import BadInput
from brownout.fault import FREE_LOOPBACK_PORT, PlaneLink
from faults.network.leftovers import proxy_name
from faults.network.proxy import split_address

_TIMEOUT_S = 10.0
_SESSIONS = threading.local()
_NOTHING_ACTED: Mapping[str, Any] = {"toxics": {}, "cut": []}
_DIRECT: dict[str, Any] = {"http": None, "https": None, "all": None}


class PlaneError(Exception):
    """The Toxiproxy could not be reached, refused, or does not have what it was told to have."""


class NotThereError(PlaneError):
    """The server answered 404."""


def check_server(url: str) -> None:
    """Check, before any world is raised, that a Toxiproxy answers at a URL.

    Raises:
        BadInput: the URL is none, or nobody answers there as a Toxiproxy does.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port:
        raise BadInput(f"TOXIPROXY_URL={url!r} is no address of a Toxiproxy; write http://HOST:PORT.")
    try:
        reply = requests.get(f"{url.rstrip('/')}/version", timeout=_TIMEOUT_S, proxies=_DIRECT, allow_redirects=False)
    except requests.RequestException as error:
        raise BadInput(
            f"TOXIPROXY_URL={url}: no Toxiproxy answers there ({type(error).__name__}). Start it, or unset it."
        ) from None
    if not reply.ok or reply.is_redirect:
        raise BadInput(f"TOXIPROXY_URL={url}: GET /version was answered {reply.status_code}; that is no Toxiproxy.")


class _Claim:
    """The one server that this process's toxiproxy-python speaks to, and how many planes hold it."""

    address: tuple[str, int] | None = None
    holders = 0

    @classmethod
    def take(cls, host: str, port: int) -> None:
        if cls.holders and cls.address != (host, port):
            held_host, held_port = cls.address or ("", 0)
            raise BadInput(
                f"this process already drives the Toxiproxy at {held_host}:{held_port}, so it cannot drive "
                f"{host}:{port} too (toxiproxy-python keeps one address per process). "
                "Close the first plane, or use one server for both: their proxies do not collide."
            )
        cls.address = (host, port)
        cls.holders += 1
        Toxiproxy().update_api_consumer(host, port)

    @classmethod
    def drop(cls) -> None:
        cls.holders -= 1


def _session() -> requests.Session:
    """Return this thread's session. A new connection for every call would double what a fault on a region takes."""
    made: requests.Session | None = getattr(_SESSIONS, "made", None)
    if made is None:
        made = _SESSIONS.made = requests.Session()
        made.trust_env = False
    return made


def _call_blocking(method: Literal["get", "post", "delete"], path: str, json: Any) -> Any:
    """Make one call; return its JSON, or None for an empty body.

    Raises:
        NotThereError: there is no such proxy, toxic or path.
        PlaneError: no answer, or one that is not a success.
    """
    did = f"Toxiproxy at {APIConsumer.host}:{APIConsumer.port}: {method.upper()} {path}"
    try:
        url = f"http://{APIConsumer.host}:{APIConsumer.port}{path}"
        response = validate_response(
            _session().request(method, url, json=json, timeout=_TIMEOUT_S, allow_redirects=False)
        )
    except (InvalidToxic, NotFound, ProxyExists) as error:
        said = error.args[0].decode(errors="replace").strip() if error.args else ""
        kind = NotThereError if isinstance(error, NotFound) else PlaneError
        raise kind(f"{did}: {type(error).__name__}: {said}") from error
    except requests.RequestException as error:
        raise PlaneError(f"{did}: no answer: {error}") from error
    if not response.ok or response.is_redirect:
        raise PlaneError(f"{did}: {response.status_code}: {response.text.strip()}")
    return response.json() if response.content else None


async def _call(method: Literal["get", "post", "delete"], path: str, json: Any = None) -> Any:
    return await asyncio.to_thread(_call_blocking, method, path, json)


class _Listing:
    """One path of the server that tells of all proxies: whoever asks in one turn of the loop shares one call.

    A fault on a region is on many links, each of which reads back: a call takes milliseconds, and the last link's fault
    must not be late for the others' sake.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._next: asyncio.Task[Any] | None = None

    async def get(self) -> Any:
        """Return what the server says, asked after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._ask())
        return await asyncio.shield(self._next)

    async def _ask(self) -> Any:
        await asyncio.sleep(0)
        self._next = None  # whoever comes from here on may have changed something since
        return await _call("get", self._path)


class _Listings:
    """What links of one plane share. ``counts`` is whether the server can tell how often toxics acted."""

    def __init__(self) -> None:
        self.proxies = _Listing("/proxies")
        self.acted = _Listing("/brownout/acted")
        self.counts = True


class ToxiproxyLink:
    """The hold on one proxy of a Toxiproxy server; see `brownout.fault.PlaneLink`."""

    def __init__(self, endpoint: str, proxy: Proxy, listings: _Listings) -> None:
        self.endpoint = endpoint
        self.name: str = proxy.name
        self.host, self.port = split_address(proxy.listen)
        self._path = f"/proxies/{self.name}"
        self._toxics_added = 0
        self._listings = listings

    async def disable(self) -> None:
        """Refuse new connections and close the live ones.

        Raises:
            PlaneError: it cannot be done, or was not.
        """
        await self._set_enabled(enabled=False)

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> str:
        """Add a toxic, after those already there; one kind may be there several times.

        Raises:
            PlaneError: it cannot be done, or was not, or not with these settings.
        """
        if kind == "slicer" and attributes.get("average_size", 0) < 1:
            raise PlaneError("a slicer needs an average_size of at least 1: at 0 a real Toxiproxy crashes")
        self._toxics_added += 1
        name = f"{kind}_{stream}_{self._toxics_added}"
        wanted = {"name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": dict(attributes)}
        try:
            await self._add_toxic(wanted)
        except PlaneError:
            # It may be there all the same, and nobody will know its name.
            with contextlib.suppress(PlaneError):
                await self.remove_toxic(name)
            raise
        return name

    async def _add_toxic(self, wanted: dict[str, Any]) -> None:
        name, toxicity = wanted["name"], wanted["toxicity"]
        await _call("post", f"{self._path}/toxics", wanted)
        found = await _call("get", f"{self._path}/toxics/{name}")
        has = {key: found.get(key) for key in wanted}
        has["attributes"] = {key: found.get("attributes", {}).get(key) for key in wanted["attributes"]}
        # The real server keeps toxicity in 32 bits.
        has["toxicity"] = toxicity if abs(float(found.get("toxicity", -1.0)) - toxicity) < 1e-6 else found["toxicity"]
        if has != wanted:
            raise PlaneError(f"proxy {self.name}: toxic {name} was to be {wanted}, and reads back as {has}")

    async def enable(self) -> None:
        """Listen again.

        Raises:
            PlaneError: it cannot be done, or was not.
        """
        await self._set_enabled(enabled=True)

    async def remove_toxic(self, name: str) -> None:
        """Take a toxic away, if it is there.

        Raises:
            PlaneError: it cannot be done, or was not.
        """
        with contextlib.suppress(NotThereError):
            await _call("delete", f"{self._path}/toxics/{name}")

    async def state(self) -> tuple[bool, frozenset[str]]:
        """Read back whether the link is enabled, and the names of its toxics.

        Raises:
            PlaneError: the server cannot be asked, or no longer has the proxy.
        """
        found = (await self._listings.proxies.get()).get(self.name)
        if found is None:
            raise PlaneError(f"proxy {self.name}: proxy not found: somebody else has deleted it")
        return bool(found["enabled"]), frozenset(toxic["name"] for toxic in found["toxics"])

    async def acted(self, names: Sequence[str], *, cut: bool = False) -> int:
        """Return on how many connections these toxics have acted; with ``cut``, or that the last disabling closed.

        The embedded server can tell; a real one answers 404, which is remembered, and counts as 0.

        Raises:
            PlaneError: the server cannot be asked.
        """
        if not self._listings.counts:
            return 0
        try:
            found = (await self._listings.acted.get()).get(self.name, _NOTHING_ACTED)
        except NotThereError:
            self._listings.counts = False
            return 0
        touched = set(found["cut"]) if cut else set()
        return len(touched.union(*(found["toxics"].get(name, ()) for name in names)))

    async def _set_enabled(self, *, enabled: bool) -> None:
        await _call("post", self._path, {"enabled": enabled})
        found = await _call("get", self._path)
        if found["enabled"] is not enabled:
            raise PlaneError(f"proxy {self.name}: enabled was to be {enabled}, and reads back as {found['enabled']}")


class ToxiproxyPlane:
    """The fault plane over a Toxiproxy server; see `brownout.fault.Plane`.

    Args:
        url: its control API, such as ``http://127.0.0.1:8474``.
        prefix: what the names of our proxies start with; unique to a run and test, so that runs on one server do
            not meet.

    Raises:
        BadInput: a URL that is none, or a second server in this process.
    """

    def __init__(self, url: str, prefix: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or 8474
        except ValueError as error:
            raise BadInput(f"Toxiproxy's URL {url!r}: {error}.") from None
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise BadInput(f"Toxiproxy's URL {url!r} is not of the form http://host:port.")
        _Claim.take(parts.hostname, port)
        self._prefix = prefix
        self._names: dict[str, None] = {}
        self._listings = _Listings()
        self._closed = False

    async def add(
        self, endpoint: str, upstream_host: str, upstream_port: int, listen: str = FREE_LOOPBACK_PORT
    ) -> PlaneLink:
        """Put a proxy before an endpoint, on a free loopback port of the server or where it is told.

        Raises:
            PlaneError: it cannot be done, or was not; a name that is taken belongs to another and is left alone.
        """
        name = proxy_name(self._prefix, endpoint)
        wanted = {"name": name, "upstream": f"{upstream_host}:{upstream_port}", "listen": listen}
        if name in await _call("get", "/proxies"):
            raise PlaneError(f"a proxy {name} already exists on the Toxiproxy server: another run has this prefix")
        self._names[name] = None  # before the call: a proxy whose answer got lost is ours to take away, too
        await _call("post", "/proxies", {**wanted, "enabled": True})
        found = await _call("get", f"/proxies/{name}")
        if not found["enabled"] or found["upstream"] != wanted["upstream"]:
            raise PlaneError(f"proxy {name} was to be enabled for {wanted['upstream']}, and reads back as {found}")
        known = {key: found[key] for key in ("name", "upstream", "enabled", "listen")}
        return ToxiproxyLink(endpoint, Proxy(**known), self._listings)

    async def close(self) -> None:
        """Take away every proxy of ours, and no other; read back that they are gone. May be called again.

        Raises:
            PlaneError: it cannot be done, or was not.
        """
        if self._closed:
            return
        there = await _call("get", "/proxies")
        for name in [name for name in self._names if name in there]:
            await _call("delete", f"/proxies/{name}")
        left = [name for name in await _call("get", "/proxies") if name in self._names]
        if left:
            raise PlaneError(f"proxies still there after they were deleted: {', '.join(left)}")
        self._closed = True
        _Claim.drop()
