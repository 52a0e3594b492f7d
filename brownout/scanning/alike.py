"""What the events of a stream have in common: whatever stands before a piece in each of them, word for word.

    "},"finish_reason":null}]}

    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"

What else is the same in all events of one stream, as its id, may be another in the next.
"""

import re
from collections import Counter, defaultdict
from typing import NamedTuple

from brownout.scanning.pairs import PAIR

_HEAD_BYTES = 6 * 1024
_OFTEN, _MANY = 8, 12
_NEAR_BYTES = 24
_PAUSE = 7
_OPENING = re.compile(rb'"(\w{1,40})"\s?:\s?\[?"\Z')


class Before(NamedTuple):
    """What stands before a piece in every event.

    Attributes:
        lead: how it begins, right after the string before, up to the first string that is always the same; empty
            where nothing begins there that is always the same.
        near: how it ends, with the key, and what opens its value.
        opening: the key, and what opens its value.
        key: the key.
    """

    lead: bytes
    near: bytes
    opening: bytes
    key: bytes

    def is_in(self, head: bytes) -> bool:
        """Return whether a text is full of it."""
        return min(head.count(self.lead), head.count(self.near)) >= _MANY


class Alike:
    """One stream's. What its events had in common is tried again first."""

    def __init__(self) -> None:
        self._before: Before | None = None
        self._pause = 0  # so many texts are passed over without another try

    def before(self, text: bytes) -> Before | None:
        """Return what stands before a piece in the events of a text; None where they are not alike."""
        head = text[:_HEAD_BYTES]
        if self._before is not None and self._before.is_in(head):
            return self._before
        self._pause -= 1
        if self._pause >= 0:
            return None
        self._before = _before(head)
        self._pause = 0 if self._before else _PAUSE
        return self._before


def _before(head: bytes) -> Before | None:
    """Return what stands before most of the values of one key; of several, the longest."""
    pairs = list(PAIR.finditer(head))
    counts = Counter(pair[0] for pair in pairs)
    keys = Counter(pair[1] for pair in pairs)
    gaps: defaultdict[bytes, list[bytes]] = defaultdict(list)
    since = -1  # where the last string ends that changes
    for pair in pairs:
        if since >= 0:
            gaps[pair[1]].append(head[since : pair.start(2)])
        if counts[pair[0]] < max(_OFTEN, keys[pair[1]] / 3):
            since = pair.end() - 1
    often = [_ending(some) for some in gaps.values() if len(some) >= _OFTEN]
    found = _cut(max(often, key=len, default=b""))
    return found if found and found.is_in(head) else None


def _cut(before: bytes) -> Before | None:
    opening = _OPENING.search(before)
    if opening is None:
        return None
    pair = PAIR.search(before)
    if before.startswith(b'"'):
        lead = before[: pair.start(2) if pair else opening.start()]
        at = max(len(lead), min(opening.start(), len(before) - _NEAR_BYTES))
    else:
        lead, at = b"", pair.start() if pair else before.index(b'"')
    return Before(lead, before[at:], opening[0], opening[1])


def _ending(texts: list[bytes]) -> bytes:
    """Return how most of some texts end."""
    ((whole, count),) = Counter(texts).most_common(1)
    if 2 * count >= len(texts):
        return whole
    ((tail, _),) = Counter(text[-_NEAR_BYTES:] for text in texts).most_common(1)
    backwards = [text[::-1] for text in texts if text.endswith(tail)]
    low, high = min(backwards), max(backwards)  # what these share, all that lie between share
    same = next((at for at, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), len(low))
    return low[:same][::-1]
