"""Text of two or four bytes a character: UTF-16 and UTF-32, whichever byte comes first."""

from collections.abc import Callable, Iterator

from brownout.scanning.needle import MAGIC, Needle, Read


def _spread(text: bytes, width: int) -> bytes:
    """Return text as its wide bytes, from the first character to the last: the same in both byte orders."""
    return bytes(width - 1).join(bytes([one]) for one in text)


def _every(width: int, skip: int) -> Read:
    return lambda text: text[::width][skip:]


def needles() -> Iterator[Needle]:
    """Yield the prefix in UTF-16 and UTF-32."""
    for known in (MAGIC, MAGIC.lower()):
        yield Needle(_spread(known, 2), ("utf-16",), _every(2, len(known)))
        yield Needle(_spread(known, 4), ("utf-32",), _every(4, len(known)))


def over(inner: Needle) -> Iterator[Needle]:
    """Yield a spelling in letters, itself written in UTF-16."""
    yield Needle(_spread(inner.core, 2), ("utf-16", *inner.chain), _narrowed(inner.read))


def _narrowed(read: Callable[[bytes], bytes]) -> Read:
    return lambda text: read(text[::2])
