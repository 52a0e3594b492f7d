"""Unpacks what is packed within a stream of bytes, wherever it begins, and has the content looked at."""

from typing import TYPE_CHECKING

from brownout.scanning.findings import Reason
from brownout.scanning.unpackers import Broken, Data, Format

if TYPE_CHECKING:
    from brownout.scanning.node import Node


_MOST = 8
"""So many streams may be open at once, of which all but one are chance. Of more, the oldest is given up."""

_BY_CHANCE_BYTES = 512
"""What begins by chance like something packed, and is broken, may make some bytes all the same; hardly so many."""

_MOST_BEGUN = 64
"""So many may begin in one turn and not end in it at once. Chance never makes that many."""


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

    def feed(self, data: Data) -> int:
        """Unpack more; return how many of these bytes belonged to the stream, all of them while it is open."""
        try:
            for piece in self._unpacker.feed(data):
                self._look(piece)
                if not self.open:
                    return len(data)
        except Broken as broken:
            chance = broken.salvaged and self._declared is None and self._made_bytes < _BY_CHANCE_BYTES
            self._end(None if chance else "broken")
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
    def certain(self) -> bool:
        """Whether this is really packed, and no chance."""
        return self._declared is not None or self._made_bytes >= max(1, self._form.chance_bytes)

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
        if why and (self.certain or not self._form.chance_bytes):
            self._node.unseen(why, self._form.name, self._offset)
        if self._inside is not None:
            self._inside.close()


class Packed:
    """Finds packed streams in one node's bytes.

    What lies within one is its own. But a beginning may be false, and be known for that only much later: until one is
    certain, others are looked for as well.
    """

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._open: list[Stretch] = []

    def declare(self, form: Format, offset: int, inner: list[str]) -> None:
        """Say that the bytes to come are packed, and what within."""
        self._open = [Stretch(self._node, form, offset, inner)]

    def look(self, window: bytes, begin: int, end: int, found: list[tuple[int, Format]]) -> None:
        """Go on with what is open, then with what begins in ``window[begin:end]``."""
        if not (self._open or found):
            return
        after, begun = begin, 0
        for stretch in self._open:
            after = max(after, _fed(stretch, window, begin, end))
        for at, form in found:
            if at < after:
                continue
            if begun == _MOST_BEGUN:
                self._node.unseen("too-large", form.name, self._node.offset_of(at))
                break
            stretch = Stretch(self._node, form, self._node.offset_of(at))
            after = max(after, _fed(stretch, window, at, end))
            if stretch.open:
                begun += 1
                self._keep(stretch)
        self._open = [stretch for stretch in self._open if stretch.open]

    def _keep(self, stretch: Stretch) -> None:
        self._open = [*(other for other in self._open if other.open), stretch]
        if len(self._open) > _MOST:
            self._open.pop(0).close()

    def close(self) -> None:
        """Come to the end."""
        for stretch in self._open:
            stretch.close()
        self._open = []


def _fed(stretch: Stretch, window: bytes, begin: int, end: int) -> int:
    """Feed a part of a window; return up to where it certainly belonged to the stream."""
    belonged = stretch.feed(memoryview(window)[begin:end])
    return begin + belonged if stretch.certain or not stretch.open else begin
