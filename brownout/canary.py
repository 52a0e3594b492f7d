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
_BODY_BYTES = 11
_BODY_CHARS = 18  # as many in base32 without padding
_PADDING_BITS = _BODY_CHARS * 5 - _BODY_BYTES * 8
_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")
_BODY = re.compile(rf"[A-Z2-7]{{{_BODY_CHARS}}}")
_HEAD = struct.Struct(">BI")


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
        head = _HEAD.pack(self._tenants.index(tenant), request)
        return PREFIX + base64.b32encode(head + self._tag(head)).decode().rstrip("=")

    def find(self, text: str) -> list[str]:
        """Return the ids (``<tenant>-<request>``) of the genuine canaries in a text, in order."""
        found: list[str] = []
        at = text.find(PREFIX)
        while at >= 0:
            body = text[at + len(PREFIX) : at + len(PREFIX) + _BODY_CHARS]
            at = text.find(PREFIX, at + 1)  # a stray prefix hides no canary after it
            if not _BODY.fullmatch(body):
                continue
            raw = _unpacked(body)
            head, tag = raw[:5], raw[5:]
            number, request = _HEAD.unpack(head)
            if hmac.compare_digest(tag, self._tag(head)) and number < len(self._tenants):
                found.append(canary_id(self._tenants[number], request))
        return found

    def _tag(self, head: bytes) -> bytes:
        return hmac.digest(self._key, head, "sha256")[:6]


def _unpacked(body: str) -> bytes:
    """Return the bytes that base32 text stands for, several times faster than `base64` does it.

    Python reads numbers to base 32 in digits and letters from A; base32's letters are those, in other places. The
    last bits of the text are padding.
    """
    return (int(body.translate(_DIGITS), 32) >> _PADDING_BITS).to_bytes(_BODY_BYTES, "big")


def canary_id(tenant: str, request: int) -> str:
    """Return the id under which evidence speaks of a canary."""
    return f"{tenant}-{request}"


def run_key(seed: int) -> bytes:
    """Return the run's canary key. It follows from the seed, so that one seed gives one history."""
    return hashlib.sha256(f"brownout canaries {seed}".encode()).digest()
