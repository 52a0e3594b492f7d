"""Finds the strings that stand under a key, as JSON has them, in text of any kind: ``"key": "value"``."""

import re
from collections import defaultdict
from typing import TypeAlias

Pairs: TypeAlias = defaultdict[bytes, list[bytes]]
"""Values by key, each key's in order."""

STRING = rb'[^"]*+(?:(?<=\\)(?<!(?<!\\)\\{2})(?<!(?<!\\)\\{4})"[^"]*+)*+'
"""What stands between a string's quotes. A quote after a backslash ends it only if that is escaped itself: of four
backslashes in a row at most it is known."""

PAIR = re.compile(rb'"(\w{1,40}+)"\s?:\s?\[?"(' + STRING + rb')"')


def _escaped_pair(backslashes: int) -> re.Pattern[bytes]:
    """Return the pattern of a pair whose quotes stand after so many backslashes each."""
    inner = rb"(?:(?<=(?<!\\)\\{%d})|(?<=(?<!\\)\\{%d}))" % (2 * backslashes + 1, 4 * backslashes + 3)
    quote = rb'\\{%d}"' % backslashes
    value = rb'([^"]*+(?:' + inner + rb'"[^"]*+)*+)(?<=\\{%d})"' % backslashes
    return re.compile(rb'\\"(\w{1,40}+)' + quote + rb"\s?:\s?\[?" + quote + value)


_ESCAPED_PAIRS = {backslashes: _escaped_pair(backslashes) for backslashes in (1, 3, 7)}
"""By how many backslashes stand before a quote: of JSON in a string, in a string within that, and so on."""


def add_pairs(pairs: Pairs, text: bytes) -> None:
    """Add all pairs of a text."""
    for key, value in PAIR.findall(text):
        pairs[key].append(value)


def add_escaped_pairs(pairs: Pairs, text: bytes, begin: int = 0, *, deeper: bool) -> None:
    """Add all pairs of JSON that stands within strings of a text; their keys are told from the text's own.

    Args:
        pairs: takes them.
        text: any bytes.
        begin: where to begin to look.
        deeper: whether there may be strings within strings.
    """
    for backslashes, pattern in _ESCAPED_PAIRS.items():
        for key, value in pattern.findall(text, begin):
            pairs[b"\\" * backslashes + key].append(value[:-backslashes])
        if not deeper:
            return
