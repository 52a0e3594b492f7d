"""Addresses: how what is not brownout's own is named, and which addresses are on this machine for certain."""

import ipaddress
from urllib.parse import urlsplit

from brownout.errors import BadInput

_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by what is written alone.

    Names are not resolved: what a name means is decided by others, and may be another thing a second later.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str, *, where: str) -> tuple[str, bool]:
    """Return a URL's scheme, host and port alone, and whether that is this machine for certain.

    Args:
        url: an address; paths, names of users and queries are left out, so that none of them can stand for a host.
        where: what to begin an error with.

    Raises:
        BadInput: it is no address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{where} {url!r} is no address ({error}).") from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host:
        raise BadInput(f"{where} {url!r} is no address; write http://HOST:PORT.")
    loopback = is_loopback(host)
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host == "localhost" else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else ""), loopback
