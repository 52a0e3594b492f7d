"""A JSON array that arrives piece by piece: its elements cut out at any byte boundary, as each is complete."""

import re

from brownout.wire import Refusal

_MARK = re.compile(rb'[{}\[\]"]')
_STRING_MARK = re.compile(rb'["\\]')
_BETWEEN = b" \t\r\n,"


class JsonArraySplitter:
    """Splits a streamed JSON array of objects into the bytes of its elements.

    Attributes:
        closed: whether the array's own bracket has closed.
    """

    def __init__(self) -> None:
        self.closed = False
        self._buffer = bytearray()
        self._opened = False
        self._depth = 0
        self._in_string = False
        self._scanned = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the elements completed by these bytes.

        Raises:
            Refusal: ``unknown`` where something other than an array of objects comes.
        """
        self._buffer += data
        elements: list[bytes] = []
        while (mark := self._next_mark()) is not None:
            if mark == b'"' and self._depth:
                self._in_string = not self._in_string
            elif mark in b"{[":
                self._open(mark)
            else:
                element = self._close(mark)
                if element is not None:
                    elements.append(element)
        return elements

    def _next_mark(self) -> bytes | None:
        """Return the next byte that counts, and step over it; None where more must come first."""
        pattern = _STRING_MARK if self._in_string else _MARK
        while (match := pattern.search(self._buffer, self._scanned)) is not None:
            self._scanned = match.end()
            if match[0] != b"\\":
                return match[0]
            if match.end() == len(self._buffer):
                self._scanned = match.start()  # what is escaped has yet to come
                return None
            self._scanned += 1
        self._scanned = len(self._buffer)
        return None

    def _open(self, mark: bytes) -> None:
        if self._depth == 0:
            skipped = self._buffer[: self._scanned - 1].strip(_BETWEEN if self._opened else b" \t\r\n")
            if skipped or self.closed or (mark == b"{") != self._opened:
                raise Refusal("unknown", "not a JSON array of objects")
            # An element begins here: what stood before it is done with.
            del self._buffer[: self._scanned - (mark == b"{")]
            self._scanned = int(mark == b"{")
            if mark == b"[":
                self._opened = True
                return
        self._depth += 1

    def _close(self, mark: bytes) -> bytes | None:
        if self._depth == 0:
            if mark != b"]" or not self._opened or self.closed:
                raise Refusal("unknown", "not a JSON array of objects")
            self.closed = True
            return None
        self._depth -= 1
        if self._depth:
            return None
        element = bytes(self._buffer[: self._scanned])
        del self._buffer[: self._scanned]
        self._scanned = 0
        return element
