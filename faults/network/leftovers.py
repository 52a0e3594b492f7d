"""Leftovers: proxies of ours on a Toxiproxy that outlives the world which made them."""

import re
from collections.abc import Mapping
from typing import Any

import requests

from brownout.debts import Debt, settles

_KIND = "toxiproxy-proxies"
_TIMEOUT_S = 10.0
_DIRECT: dict[str, Any] = {"http": None, "https": None, "all": None}


def proxy_name(prefix: str, endpoint: str) -> str:
    """Return the name of an endpoint's proxy: of characters that need no quoting in a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{prefix}-{endpoint}")


def proxies_debt(url: str, prefix: str) -> Debt:
    """Return what is owed while a plane has proxies on a server.

    Args:
        url: the server's control API.
        prefix: what the names of its proxies start with.
    """
    return Debt(kind=_KIND, what={"url": url.rstrip("/"), "prefix": proxy_name(prefix, "")})


@settles(_KIND)
def delete_proxies(what: Mapping[str, str]) -> None:
    """Delete every proxy whose name starts with the prefix, and no other; read back that they are gone.

    A proxy of ours leads to a port of a world that is dead, so nobody misses it.

    Raises:
        RuntimeError: the server refused, or has them still.
        requests.RequestException: it does not answer.
    """
    proxies = f"{what['url']}/proxies"
    for name in _ours(proxies, what["prefix"]):
        reply = requests.delete(f"{proxies}/{name}", timeout=_TIMEOUT_S, proxies=_DIRECT)
        if not reply.ok and reply.status_code != 404:
            raise RuntimeError(f"DELETE {proxies}/{name}: {reply.status_code}: {reply.text.strip()}")
    if left := _ours(proxies, what["prefix"]):
        raise RuntimeError(f"still there after they were deleted: {', '.join(left)}")


def _ours(proxies: str, prefix: str) -> list[str]:
    reply = requests.get(proxies, timeout=_TIMEOUT_S, proxies=_DIRECT)
    if not reply.ok:
        raise RuntimeError(f"GET {proxies}: {reply.status_code}: {reply.text.strip()}")
    return [name for name in reply.json() if name.startswith(prefix)]
