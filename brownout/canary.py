"""Canaries: a mark in every prompt that ties one client request to each attempt it caused.

A canary proves itself: ``CNRY`` + base32 of (tenant number, request number, HMAC under the run's key).
Whoever sees the text can check it with the key alone; no list of those handed out is needed, and chance
cannot make one (48 bits of HMAC). Evidence holds its id, ``<tenant>-<request>``, never its value.

What else may not leave bears one, too: system prompts, tools' results, names of files, answers, credentials. What
a canary marks is its kind. It goes into the HMAC, so that all kinds look alike and each proves which it is.

What clouds grant a router to prove itself by bears one that is no tenant's: its owner is one of `OWN`, its number says
the how manieth was granted.

A question that anybody may ask, and each answer to one, bear canaries that are nobody's (`PUBLIC`). They may be
anywhere, and only who says so finds them.
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "prompt",  # what a user said: ties a request to its attempts
    "system",  # the application's own instructions
    "tool",  # what a tool gave back
    "file",  # the name of a file, or what is in it
    "completion",  # what a model answered
    "context",  # what was retrieved for the prompt; metadata
    "credential",  # a secret that opens something
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Own: TypeAlias = Literal[
    "router@aws",  # tokens of AWS's: of a session, of the metadata service; Bedrock's API keys
    "router@aws-secret",  # secret access keys: requests are signed with them, and none is ever sent
    "router@google",  # Google's bearer tokens
    "router@google-secret",  # service accounts' private keys: assertions are signed with them
    "router@keys",  # API keys of other providers, numbered as their endpoints are in the topology
]
OWN: tuple[Own, ...] = get_args(Own)
"""Whose the canaries of a router's own credentials are, in place of a tenant."""

Public: TypeAlias = Literal[
    "anyone@common",  # questions that several requests ask word for word, also of several tenants; numbered
    "anyone@answered",  # answers to these, each with a number of its own in its world
]
PUBLIC: tuple[Public, ...] = get_args(Public)
"""Whose the canaries of what is nobody's are, in place of a tenant."""

COMMON, ANSWERED = PUBLIC

TENANTS_MAX = 256 - len(OWN) - len(PUBLIC)
"""So many tenants a run may have: their numbers and those of `OWN` and `PUBLIC` share a byte."""

PREFIX = "CNRY"
BODY_CHARS = 18
"""Characters after the prefix: base32 without padding."""

_CREDENTIAL: frozenset[Kind] = frozenset({"credential"})
_BODY_BYTES = 11
_PADDING_BITS = BODY_CHARS * 5 - _BODY_BYTES * 8
_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")
_VALUE = re.compile(rf"{PREFIX}[A-Z2-7]{{{BODY_CHARS}}}")
_BODY = re.compile(rf"[A-Z2-7]{{{BODY_CHARS}}}")
_HEAD = struct.Struct(">BI")


class Mark(NamedTuple):
    """What a genuine canary says: its id, ``<tenant>-<request>``, and what it marks."""

    canary: str
    kind: Kind


class CanaryMint:
    """Makes and recognises the canaries of one run.

    Args:
        key: the run's secret.
        tenants: every tenant's name, in the topology's order (a tenant's number is its place).
        other_secret_of: the tenant, if any, whose canaries are others than the key alone makes them, of the same ids.
    """

    def __init__(self, key: bytes, tenants: Sequence[str], other_secret_of: str = "") -> None:
        self._key = key
        self._owners = dict(enumerate(tenants)) | {255 - place: own for place, own in enumerate((*OWN, *PUBLIC))}
        self._numbers = {owner: number for number, owner in self._owners.items()}
        self._own: dict[str, Mark] = {}  # proven already: a token comes with every request
        self.other_secret_of = other_secret_of
        self._other = self._numbers[other_secret_of] if other_secret_of else None

    def value(self, tenant: str, request: int, kind: Kind = "prompt") -> str:
        """Return the mark to put into a prompt, or into what else it is to mark.

        Args:
            tenant: whose it is; also one of `OWN` or of `PUBLIC`.
            request: its number.
            kind: what it marks.

        Raises:
            ValueError: nobody of that name.
        """
        if tenant not in self._numbers:
            raise ValueError(f"{tenant!r} is no tenant of this run's")
        head = _HEAD.pack(self._numbers[tenant], request)
        return PREFIX + base64.b32encode(head + self._tag(head, kind)).decode().rstrip("=")

    def find(self, text: str) -> list[str]:
        """Return the ids (``<tenant>-<request>``) of the genuine canaries of prompts in a text, in order.

        Those of common questions are among them. Other kinds are passed over: an answer that is quoted in a later
        prompt does not make that prompt its own.
        """
        found: list[str] = []
        at = text.find(PREFIX)
        while at >= 0:
            body = text[at + len(PREFIX) : at + len(PREFIX) + BODY_CHARS]
            at = text.find(PREFIX, at + 1)  # a stray prefix hides no canary after it
            mark = self.proven(body, ("prompt",), public=True)
            if mark is not None:
                found.append(mark.canary)
        return found

    def proven(self, body: str, kinds: Iterable[Kind] = KINDS, *, public: bool = False) -> Mark | None:
        """Return what the characters after a prefix say; None where they are no canary of this run.

        Args:
            body: the `BODY_CHARS` characters, in upper case.
            kinds: which it may be of.
            public: whether it may be nobody's, one of `PUBLIC`.
        """
        if body in self._own:
            return self._own[body] if "credential" in kinds else None
        if not _BODY.fullmatch(body):
            return None
        raw = _unpacked(body)
        head, tag = raw[: _HEAD.size], raw[_HEAD.size :]
        number, request = _HEAD.unpack(head)
        owner = self._owners.get(number)
        if owner is None or (owner in PUBLIC and not public):
            return None
        own = owner in OWN
        for kind in _CREDENTIAL & set(kinds) if own else kinds:
            if hmac.compare_digest(tag, self._tag(head, kind)):
                mark = Mark(canary_id(owner, request), kind)
                if own:
                    self._own[body] = mark
                return mark
        return None

    def _tag(self, head: bytes, kind: Kind) -> bytes:
        # A prompt's says nothing of its kind: so it has always been, and histories stay what they were.
        said = head if kind == "prompt" else head + kind.encode()
        if head[0] == self._other:
            said += b" other"
        return hmac.digest(self._key, said, "sha256")[:6]


def _unpacked(body: str) -> bytes:
    """Return the bytes that base32 text stands for, several times faster than `base64` does it.

    Python reads numbers to base 32 in digits and letters from A; base32's letters are those, in other places. The
    last bits of the text are padding.
    """
    return (int(body.translate(_DIGITS), 32) >> _PADDING_BITS).to_bytes(_BODY_BYTES, "big")


def tenant_of(canary: str) -> str:
    """Return whose a canary is, from its id; a tenant's name may hold dashes itself. Of an empty id: nobody's."""
    return canary.rpartition("-")[0]


def canary_id(tenant: str, request: int) -> str:
    """Return the id under which evidence speaks of a canary."""
    return f"{tenant}-{request}"


def run_key(seed: int) -> bytes:
    """Return the run's canary key. It follows from the seed, so that one seed gives one history."""
    return hashlib.sha256(f"brownout canaries {seed}".encode()).digest()


def without_values(text: str) -> str:
    """Return a text as it may be kept and shown: what looks like a canary's value is left out, whoever made it."""
    return _VALUE.sub(f"{PREFIX}-left-out", text)
