"""One spelling of the canary's prefix, and how to go on reading after it."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from brownout.canary import BODY_CHARS, PREFIX

MAGIC = PREFIX.encode()
Read: TypeAlias = Callable[[bytes], bytes]


class Needle(NamedTuple):
    """One spelling.

    Attributes:
        core: what the prefix looks like in it, whatever stands before and after.
        chain: the encodings, outermost first.
        read: takes the text from the core on, and returns what the prefix is followed by, decoded.
        back: how many bytes before the core belong to that text.
    """

    core: bytes
    chain: tuple[str, ...]
    read: Read
    back: int = 0


def body_of(needle: Needle, window: bytes, at: int, ahead: int) -> str:
    """Return the characters that follow the prefix in a needle's spelling, in upper case, as far as there are any."""
    if at < needle.back:
        return ""
    body = needle.read(window[at - needle.back : at + ahead])[:BODY_CHARS]
    return body.decode("latin-1").upper()
