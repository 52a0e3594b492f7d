"""Bytes as tools dump them: rows of an offset, hexadecimal digits and what is legible of it, as xxd and hexdump write.

A row ends before a canary does. How much of it stands in the first row follows from where that began, which nobody
knows who has met the prefix; so each count is tried, and the canary's proof says which was right.
"""

import itertools
import re
from collections.abc import Iterator
from functools import partial

from brownout.canary import BODY_CHARS
from brownout.scanning.needle import MAGIC, Needle

_WIDTHS = (8, 16, 32)
"""Bytes a row."""

_LAID_OUT = [
    *((width, here) for width in _WIDTHS for here in range(len(MAGIC), min(width, len(MAGIC) + BODY_CHARS - 1) + 1)),
    (max(_WIDTHS), len(MAGIC) + BODY_CHARS),
]
"""Bytes a row, and how many of them from the prefix's first on are in its row."""

_BETWEEN = ("", " ", "  ")
"""What stands between two bytes of a row: nothing in a group, blanks between groups."""

_WHOLE = len(MAGIC) + BODY_CHARS
_PAIRS = [re.compile(rb"(?:[ \t]{0,2}[0-9A-Fa-f]{2}){%d}" % count) for count in range(_WHOLE + 1)]
_OFFSET = re.compile(rb"[^\n]{0,80}?(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{4,16}[ \t]?[:h|]?[ \t]{1,4}(?=[0-9A-Fa-f]{2})")


def needles() -> Iterator[Needle]:
    """Yield the prefix as a row has it, for each way in which the rest may go on in the next ones."""
    for known in (MAGIC, MAGIC.lower()):
        for digits in dict.fromkeys((known.hex(), known.hex().upper())):
            for core in _cores([digits[at : at + 2] for at in range(0, len(digits), 2)]):
                for width, here in _LAID_OUT:
                    yield Needle(core.encode(), ("hex",), partial(_read, here=here, width=width))


def _cores(pairs: list[str]) -> Iterator[str]:
    """Yield the prefix in groups of one byte, of two and of four, and with the wider gap that halves a row."""
    for gaps in itertools.product(_BETWEEN, repeat=len(pairs) - 1):
        halved = gaps.count("  ") == 1 and "" not in gaps
        if halved or "  " not in gaps:
            yield pairs[0] + "".join(gap + pair for gap, pair in zip(gaps, pairs[1:], strict=True))


def _read(text: bytes, *, here: int, width: int) -> bytes:
    """Return what follows the prefix, where ``here`` bytes from it on are in its own row, and ``width`` in others."""
    came, at, count = b"", 0, here
    while (row := _PAIRS[count].match(text, at)) is not None:
        came += bytes.fromhex(row[0].decode())
        count = min(width, _WHOLE - len(came))
        if not count:
            return came[len(MAGIC) :]
        end = text.find(b"\n", row.end())
        offset = _OFFSET.match(text, end + 1) if end >= 0 else None
        if offset is None:
            break
        at = offset.end()
    return b""
