"""Somebody's Toxiproxy, over plain HTTP: for one toxic more, or one proxy switched off. Every call blocks.

It is apart from `faults.network.client` because toxiproxy-python keeps one address for the whole process, which is the
fault plane's.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from brownout.errors import BadInput, unknown

_TIMEOUT_S = 5.0


class RemoteError(Exception):
    """The Toxiproxy could not be reached, refused, or does not have what it was told to have."""


class RemoteProxy:
    """One proxy of a Toxiproxy server.

    Args:
        url: the server's control API, ``http://HOST:PORT``.
        name: the proxy's.

    Raises:
        BadInput: the URL is none.
    """

    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadInput(f"url={url!r} is no address of a Toxiproxy; write http://HOST:PORT.")
        self.url, self.name = url.rstrip("/"), name
        self._path = f"/proxies/{quote(name, safe='')}"
        self._session = requests.Session()
        self._session.trust_env = False  # HTTP_PROXY would be obeyed even for loopback
        self._session.headers["User-Agent"] = "brownout"

    def shown(self) -> dict[str, Any]:
        """Return the proxy as the server shows it.

        Raises:
            BadInput: there is none of that name; with those that there are.
        """
        found = self._call("GET", self._path)
        if found is None:
            raise unknown("proxy", self.name, list(self._call("GET", "/proxies") or {}), where=self.url)
        return dict(found)

    def toxics(self) -> list[str]:
        """Return the names of the proxy's toxics; none where the proxy has gone."""
        return [one["name"] for one in self._call("GET", f"{self._path}/toxics") or ()]

    def add(self, toxic: Mapping[str, Any]) -> None:
        """Add a toxic, and read it back."""
        self._call("POST", f"{self._path}/toxics", toxic)
        if toxic["name"] not in self.toxics():
            raise RemoteError(f"{self.url}: proxy {self.name}: toxic {toxic['name']} was added, and is not there")

    def remove(self, toxic: str) -> None:
        """Take that toxic away and no other, and read back that it is gone. One that is not there is left so."""
        self._call("DELETE", f"{self._path}/toxics/{quote(toxic, safe='')}")
        if toxic in self.toxics():
            raise RemoteError(f"{self.url}: proxy {self.name}: toxic {toxic} was taken away, and is still there")

    def enabled(self) -> bool | None:
        """Return whether the proxy is enabled; None where it has gone."""
        found = self._call("GET", self._path)
        return None if found is None else bool(found["enabled"])

    def enable(self, *, enabled: bool) -> None:
        """Enable or disable the proxy, and read it back. One that has gone is left so."""
        self._call("POST", self._path, {"enabled": enabled})
        if self.enabled() is (not enabled):
            raise RemoteError(f"{self.url}: proxy {self.name}: enabled was to be {enabled}, and is not")

    def acted(self) -> dict[str, Any] | None:
        """Return on which connections toxics have acted; None where the server cannot tell, as a real one."""
        found = self._call("GET", f"/brownout/acted/{quote(self.name, safe='')}")
        return None if found is None else dict(found)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Make one call; return its JSON, or None for a 404 and an empty body."""
        did = f"Toxiproxy at {self.url}: {method} {path}"
        try:
            # Not where it leads to: only the server that was named may be acted on.
            reply = self._session.request(method, self.url + path, json=body, timeout=_TIMEOUT_S, allow_redirects=False)
            if reply.status_code == 404:
                return None
            if not reply.ok or reply.is_redirect:
                raise RemoteError(f"{did}: {reply.status_code}: {reply.text.strip()}")
            return reply.json() if reply.content else None
        except (requests.RequestException, ValueError) as error:
            raise RemoteError(f"{did}: no answer that can be read: {error}") from error
