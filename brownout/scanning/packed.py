"""Unpacks what is packed within a stream of bytes, wherever it begins, and has the content looked at."""

from typing import TYPE_CHECKING

from brownout.scanning.findings import Reason
from brownout.scanning.unpackers import PIECE_BYTES, Broken, Format

if TYPE_CHECKING:
    from brownout.scanning.node import Node


class Stretch:
    """One packed stream within a node's bytes.

    Args:
        node: whose bytes.
        form: the format it begins like.
        offset: where it begins, as evidence has it.
        declared: the codings that the sender says lie within, outermost first; None where it said nothing of this
            stream either. It is at fault where it said so, and it is not so.
    """

    def __init__(self, node: "Node", form: Format, offset: int, declared: list[str] | None = None) -> None:
        self._node = node
        self._form = form
        self._offset = offset
        self._declared = declared
        self._unpacker = form.make()
        self._inside: Node | None = None
        self._made_bytes = 0
        self.open = True

    def feed(self, data: bytes) -> int:
        """Unpack more; return how many of these bytes belonged to the stream, all of them while it is open."""
        try:
            for piece in self._unpacker.feed(data):
                self._look(piece)
                if not self.open:
                    return len(data)
        except Broken:
            self._end("broken")
            return 0
        if self._unpacker.done:
            self._end(None)
            return len(data) - len(self._unpacker.unused)
        return len(data)

    def close(self) -> None:
        """Come to the end of the node's bytes."""
        if self.open:
            self._end("truncated")

    @property
    def _certain(self) -> bool:
        """Whether this was really packed, and no chance."""
        return self._declared is not None or self._made_bytes >= self._form.chance_bytes

    def _look(self, piece: bytes) -> None:
        if not piece:
            return
        self._made_bytes += len(piece)
        if self._inside is None:
            self._inside = self._node.inside(self._form.name, self._offset)
            if self._inside is not None and self._declared:
                self._inside.declare(self._declared)
        if self._inside is None:
            self._stop("too-deep")
        elif not self._inside.feed(piece):
            self._stop("too-large")

    def _stop(self, why: Reason) -> None:
        """Go no further, though there is more; what is left of the stream is passed over."""
        self._node.unseen(why, self._form.name, self._offset)
        self._end(None)

    def _end(self, why: Reason | None) -> None:
        self.open = False
        if why and self._certain:
            self._node.unseen(why, self._form.name, self._offset)
        if self._inside is not None:
            self._inside.close()


class Packed:
    """Finds packed streams in one node's bytes: one at a time, for what lies within one is its own."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._open: Stretch | None = None

    def declare(self, form: Format, offset: int, inner: list[str]) -> None:
        """Say that the bytes to come are packed, and what within."""
        self._open = Stretch(self._node, form, offset, inner)

    def look(self, window: bytes, begin: int, end: int, found: list[tuple[int, Format]]) -> None:
        """Go on with what is open, then with what begins in ``window[begin:end]``."""
        after = begin
        if self._open is not None:
            after = begin + self._go_on(window[begin:end])
        for at, form in found:
            if self._open is None and at >= after:
                self._open = Stretch(self._node, form, self._node.offset_of(at))
                after = at + self._go_on(window[at:end])

    def close(self) -> None:
        """Come to the end."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _go_on(self, data: bytes) -> int:
        assert self._open is not None
        belonged = self._open.feed(data)
        if not self._open.open:
            self._open = None
        return belonged


def unpacked_whole(form: Format, data: bytes) -> bytes | None:
    """Return what bytes unpack to when they are one small whole stream, to the last byte; else None."""
    unpacker = form.make()
    made: list[bytes] = []
    try:
        for piece in unpacker.feed(data):
            made.append(piece)
            if sum(map(len, made)) > PIECE_BYTES * 16:
                return None
    except Broken:
        return None
    return b"".join(made) if unpacker.done and not unpacker.unused else None
