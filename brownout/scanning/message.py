"""Scans an HTTP message whole: its address, its headers, its body under the codings it names."""

from collections.abc import Mapping

import msgspec

from brownout.canary import CanaryMint
from brownout.scanning.barren import Barren
from brownout.scanning.findings import Limits, Sighting, Unseen
from brownout.scanning.scanner import scanned
from brownout.wire import HttpRequest

_APART = "\x1e"
"""What stands between two headers: one byte as their line's end, and yet nothing that encoded text goes on after."""


class Scan(msgspec.Struct, frozen=True):
    """What was found in the parts of a message.

    Attributes:
        sightings: by part: ``url``, ``headers``, ``body``; parts without any are left out.
        unseen: the same for what was not looked into.
    """

    sightings: dict[str, list[Sighting]]
    unseen: dict[str, list[Unseen]]


def codings_of(headers: Mapping[str, str]) -> list[str]:
    """Return the codings that lie over a body, outermost first (RFC 9110, 8.4: they are named as they were applied)."""
    named = next((value for name, value in headers.items() if name.lower() == "content-encoding"), "")
    codings = [coding.strip().lower() for coding in named.split(",")]
    return [coding for coding in reversed(codings) if coding not in {"", "identity"}]


def header_bytes(headers: Mapping[str, str]) -> bytes:
    """Return headers as they are looked at: one after the other, each ended by one byte."""
    return _APART.join(f"{name}: {value}" for name, value in headers.items()).encode("utf-8", "surrogateescape")


def scan_request(
    mint: CanaryMint, request: HttpRequest, limits: Limits | None = None, barren: Barren | None = None
) -> Scan:
    """Return what a request as it stood on the wire holds; a body that was cut short is given as far as it came.

    Args:
        mint: knows a genuine canary.
        request: the request, its body not decoded.
        limits: how far to go, in each part.
        barren: what earlier scans of this run's have decoded in vain.
    """
    parts: dict[str, tuple[bytes, list[str]]] = {
        "url": (f"{request.method} {request.path}?{request.query}".encode(), []),
        "headers": (header_bytes(request.headers), []),
        "body": (request.body, codings_of(request.headers) if request.body else []),
    }
    scan = Scan({}, {})
    for part, (data, codings) in parts.items():
        sightings, unseen = scanned(mint, data, codings, limits, barren)
        if sightings:
            scan.sightings[part] = sightings
        if unseen:
            scan.unseen[part] = unseen
    return scan
