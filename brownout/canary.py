"""Canaries: a mark in every prompt that ties one client request to each attempt it caused.

A canary proves itself: ``CNRY`` + base32 of (tenant number, request number, HMAC under the run's key).
Whoever sees the text can check it with the key alone; no list of those handed out is needed, and chance
cannot make one (48 bits of HMAC). Evidence holds its id, ``<tenant>-<request>``, never its value.
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Sequence

PREFIX = "CNRY"
_BODY_CHARS = 18  # 11 bytes in base32 without padding
_PATTERN = re.compile(rf"(?={PREFIX}([A-Z2-7]{{18}}))")  # ahead only: a stray prefix hides no canary after it


class CanaryMint:
    """Makes and recognises the canaries of one run.

    Args:
        key: the run's secret.
        tenants: every tenant's name, in the topology's order (a tenant's number is its place).
    """

    def __init__(self, key: bytes, tenants: Sequence[str]) -> None:
        self._key = key
        self._tenants = list(tenants)

    def value(self, tenant: str, request: int) -> str:
        """Return the mark to put into a prompt."""
        head = struct.pack(">BI", self._tenants.index(tenant), request)
        return PREFIX + base64.b32encode(head + self._tag(head)).decode().rstrip("=")

    def find(self, text: str) -> list[str]:
        """Return the ids (``<tenant>-<request>``) of the genuine canaries in a text, in order."""
        found = []
        for match in _PATTERN.finditer(text):
            raw = base64.b32decode(match.group(1) + "=" * (-_BODY_CHARS % 8))
            head, tag = raw[:5], raw[5:]
            number, request = struct.unpack(">BI", head)
            if hmac.compare_digest(tag, self._tag(head)) and number < len(self._tenants):
                found.append(canary_id(self._tenants[number], request))
        return found

    def _tag(self, head: bytes) -> bytes:
        return hmac.new(self._key, head, hashlib.sha256).digest()[:6]


def canary_id(tenant: str, request: int) -> str:
    """Return the id under which evidence speaks of a canary."""
    return f"{tenant}-{request}"


def run_key(seed: int) -> bytes:
    """Return the run's canary key. It follows from the seed, so that one seed gives one history."""
    return hashlib.sha256(f"brownout canaries {seed}".encode()).digest()
