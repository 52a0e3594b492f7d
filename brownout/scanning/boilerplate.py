"""What a stream says word for word in every event: left out before its strings are put together, for speed alone.

    data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" so"}}]}

Left out are only strings that look like a name of the protocol's, are all the same, and come eight times in the first
kilobytes. They were looked at where they stand; joined to themselves they say nothing.
"""

import re
from collections import Counter

_HEAD_BYTES = 6 * 1024
_WORTH_BYTES = 24 * 1024
"""Of less text, finding out costs more than it saves."""

_OFTEN = 8
_PAIR = re.compile(rb'"\w{1,40}+":\s?"([^"]*+)"')
_NAME = re.compile(rb"(?=.{6,80}\Z)[\w]+(?:[.\-:/_][\w]+)+")


class Boilerplate:
    """One stream's. What it was is tried again first."""

    def __init__(self) -> None:
        self._known = b""

    def left_out(self, text: bytes) -> bytes:
        """Return a text without it."""
        if len(text) < _WORTH_BYTES:
            return text
        head = text[:_HEAD_BYTES]
        if not self._known or head.count(self._known) < _OFTEN:
            self._known = _found(head)
        return text.replace(self._known, b"") if self._known else text


def _found(head: bytes) -> bytes:
    """Return the longest stretch of constant names, and whatever else stands between them, that comes often."""
    pairs = list(_PAIR.finditer(head))
    often = {pair for pair, count in Counter(found[0] for found in pairs).items() if count >= _OFTEN}
    longest = b""
    for first in range(min(len(pairs), 2 * _OFTEN)):
        for last in pairs[first : first + _OFTEN]:
            if last[0] not in often or not _NAME.fullmatch(last[1]):
                break
            stretch = head[pairs[first].start() : last.end()]
            if len(stretch) > len(longest) and head.count(stretch) >= _OFTEN:
                longest = stretch
    return longest
