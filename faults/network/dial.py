"""Dialling as a caller would, to measure what a fault does to a link, a service or somebody's proxy.

Where nothing else is said, it is no HTTP: a healthy server complains at once, by a 400 or by closing, and none of it
ever becomes a request, so that a provider's evidence does not see it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from brownout.fault import Link

How: TypeAlias = Literal["unreached", "refused", "silent", "reset", "closed", "answered"]

NOT_HTTP = b"?\r\n\r\n"
"""No HTTP server lets this pass: the first byte cannot begin a request."""

TELLABLE_S = 0.02
"""A delay below this is not told from a busy machine's."""

_CONNECT_S = 2.0
_SILENCE_S = 0.5
_DIALS = 4
_PADDING = b"x-padding: " + b"0" * 239 + b"\r\n"
_PADDINGS = 64


class Place(Protocol):
    """Where callers connect: a link, a service, or any other address."""

    @property
    def host(self) -> str:
        """The host."""
        ...

    @property
    def port(self) -> int:
        """The port."""
        ...


@dataclass(frozen=True, kw_only=True)
class Met:
    """What a caller met.

    Attributes:
        how: the connection was ``unreached`` in time or ``refused``; nothing came in time (``silent``), or the
            connection was ``reset`` or ``closed`` before anything did; or something was ``answered``.
        length: how many bytes came.
        first_s: when the first of them came, from when the last was said.
        last_s: when the last of them came.
        ended_s: when the connection ended; None where it had not, in time.
    """

    how: How
    length: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    ended_s: float | None = None


def long_nonsense() -> bytes:
    """Return what begins like a request and turns out to be none at its end, 16 kB later."""
    return b"GET / HTTP/1.1\r\n" + _PADDING * _PADDINGS + b"\x00\r\n\r\n"


async def dial(place: Place, *, say: bytes = NOT_HTTP, within_s: float = _SILENCE_S) -> Met:
    """Dial, say it, and listen.

    Args:
        place: where.
        say: what to say.
        within_s: how long to listen.
    """
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(place.host, place.port)
    except TimeoutError:
        return Met(how="unreached")
    except OSError:
        return Met(how="refused")
    try:
        return await _listen(reader, writer, say, within_s)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def met(link: Link, test: Callable[[Met], bool], *, say: bytes = NOT_HTTP, within_s: float = _SILENCE_S) -> bool:
    """Return whether one of a few dials meets what is tested for: not every connection need be touched."""
    for _ in range(_DIALS):
        if test(await dial(link, say=say, within_s=within_s)):
            return True
    return False


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, say: bytes, within_s: float) -> Met:
    clock = asyncio.get_running_loop().time
    began_s = clock()
    length, first_s, last_s = 0, 0.0, 0.0
    ended_s: float | None = None
    how: How = "silent"
    try:
        writer.write(say)
        async with asyncio.timeout(within_s):
            while data := await reader.read(4096):
                last_s = clock() - began_s
                first_s = first_s if length else last_s
                length += len(data)
        how, ended_s = "closed", clock() - began_s
    except TimeoutError:
        pass
    except OSError:
        how, ended_s = "reset", clock() - began_s
    return Met(how="answered" if length else how, length=length, first_s=first_s, last_s=last_s, ended_s=ended_s)
