"""Patterns that are looked for all at once, at gigabytes a second: Hyperscan, with what it takes to use it safely.

Patterns are regular expressions of bytes in which no byte is special beyond ASCII (no flags). Of its ways to scan only
whole blocks are used, and literals are written out as expressions: its own kind ends at a zero byte.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import hyperscan

_Scan: TypeAlias = Callable[[bytes | memoryview, Any, int, Any, hyperscan.Scratch], None]


def literal(text: bytes) -> bytes:
    """Return the pattern of a text as it is."""
    return b"".join(b"\\x%02x" % one for one in text)


class Matcher:
    """Finds patterns. One serves all threads.

    Args:
        patterns: what to look for; a pattern's number is its place.
        once: the numbers of those that are told at most once a scan, where they first end.
    """

    def __init__(self, patterns: Sequence[bytes], *, once: Sequence[int] = ()) -> None:
        flags = [hyperscan.HS_FLAG_SINGLEMATCH if number in once else 0 for number in range(len(patterns))]
        numbers = list(range(len(patterns)))
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(expressions=patterns, ids=numbers, flags=flags, elements=len(patterns))
        self._scan = cast("_Scan", self._database.scan)  # it takes any buffer, and by place
        self._local = threading.local()  # a scan leaves the interpreter to others, and its scratch space is its own

    def all(self, data: bytes | memoryview) -> list[tuple[int, int]]:
        """Return where each match ends, and the pattern's number, in order."""
        found: list[tuple[int, int]] = []
        self._scan(data, _note, 0, found, self._scratch())
        found.sort()
        return found

    def finder(self) -> Callable[[bytes | memoryview], int]:
        """Return a function, of use in this thread, that returns where the first match in some bytes ends, or -1.

        It goes no further where all patterns are told at most once.
        """
        scan, scratch = self._scan, self._scratch()
        found: list[int] = []

        def first(data: bytes | memoryview) -> int:
            scan(data, _note_stop, 0, found, scratch)
            if not found:
                return -1
            stop = found[0]
            found.clear()
            return stop

        return first

    def _scratch(self) -> hyperscan.Scratch:
        try:
            scratch: hyperscan.Scratch = self._local.scratch
        except AttributeError:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch


def _note(number: int, _start: int, stop: int, _flags: int, found: list[tuple[int, int]]) -> None:
    found.append((stop, number))


def _note_stop(_number: int, _start: int, stop: int, _flags: int, found: list[int]) -> None:
    found.append(stop)
