"""What a scan says: what it saw, what it could not look into, and how far it may go."""

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

import msgspec

from brownout.canary import Kind

Reason: TypeAlias = Literal[
    "unknown-encoding",  # the sender named a coding that is none of ours
    "broken",  # what was to be unpacked is not in its format, or not to its end
    "truncated",  # it ended before it was whole
    "too-deep",  # more encodings lie over one another than are looked through
    "too-large",  # unpacked, it would be more than may be looked at
]


class Sighting(msgspec.Struct, frozen=True):
    """A genuine canary, seen. Never its value.

    Attributes:
        canary: its id, ``<tenant>-<request>``.
        kind: what it marks.
        chain: what it lay under, outermost first, joined by ``>``; ``raw`` for nothing.
        offset: where in the bytes as they were fed; of what was unpacked or put together, where that begins.
    """

    canary: str
    kind: Kind
    chain: str
    offset: int


class Unseen(msgspec.Struct, frozen=True):
    """Bytes that nobody looked into: without them a clean scan proves nothing.

    Attributes:
        reason: why.
        chain: what they are, or would be, unpacked from, outermost first.
        offset: as a sighting's.
    """

    reason: Reason
    chain: str
    offset: int


CUT_SHORT: frozenset[Reason] = frozenset({"broken", "truncated"})
"""Why the end of what did not come whole was not looked into, which is no wonder: what came of it was."""


def reasons(unseen: Iterable[Unseen], *, but: Collection[Reason] = ()) -> list[str]:
    """Return why bytes were not looked into, each reason once, but for some that matter to nobody."""
    return sorted({one.reason for one in unseen} - set(but))


class Limits(msgspec.Struct, frozen=True):
    """How far one scan goes.

    Attributes:
        depth: how many encodings over one another are looked through.
        unpacked_bytes: how much all that is unpacked or put together may come to.
    """

    depth: int = 8
    unpacked_bytes: int = 64 * 1024 * 1024


def chain_text(chain: tuple[str, ...]) -> str:
    """Return a chain as evidence has it."""
    return ">".join(chain) or "raw"
