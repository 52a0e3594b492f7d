"""A closed-loop HTTP client that costs next to nothing: it sends the same bytes again and again and counts replies.

A full client would be slower than the servers it measures. This one looks for no more than the end of a reply: by
``Content-Length``, or by the last chunk of a chunked one.
"""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from brownout.clock import monotonic_s


@dataclass
class Count:
    """What one run of the hammer saw."""

    replies: int = 0
    tokens: int = 0
    bad: int = 0
    lasted_s: float = 0.0
    arrivals_s: list[list[float]] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, request: bytes, marker: bytes, count: Count, *, once: bool) -> None:
        self._request, self._marker, self._count, self._once = request, marker, count, once
        self._transport: asyncio.Transport
        self._head, self._left, self._chunked = b"", 0, False
        self._tail = b""
        self._times_s: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._send()

    def _send(self) -> None:
        self._head, self._left, self._chunked, self._tail = b"", -1, False, b""
        self._times_s = [monotonic_s()]
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for the end of the reply, and send the next request there."""
        if self._left < 0 and not self._chunked:
            self._head += data
            head, gap, data = self._head.partition(b"\r\n\r\n")
            if not gap:
                return
            self._began(head.lower())
        found = data.count(self._marker)
        if found:
            self._count.tokens += found
            if self._once:
                self._times_s += [monotonic_s()] * found
        if self._chunked:
            self._tail = (self._tail + data)[-7:]
            ended = self._tail.endswith(b"\r\n0\r\n\r\n")
        else:
            self._left -= len(data)
            ended = self._left <= 0
        if ended:
            self._ended()

    def _began(self, head: bytes) -> None:
        self._count.bad += not head.startswith(b"http/1.1 200")
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        self._chunked = not length
        self._left = int(length or 0)

    def _ended(self) -> None:
        self._count.replies += 1
        if self._once:
            self._count.arrivals_s.append(self._times_s)
        if self._once or self.stopping:
            self._transport.close()
            return
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that this connection is over."""
        self._count.bad += exc is not None
        if not self.done.done():
            self.done.set_result(None)


async def hammer(port: int, request: bytes, *, connections: int, for_s: float, marker: bytes) -> Count:
    """Keep ``connections`` busy for so long; every reply that ends is counted, and every ``marker`` in it a token."""
    count = Count()
    loop = asyncio.get_running_loop()
    began_s = monotonic_s()
    made = [
        (await loop.create_connection(lambda: _Connection(request, marker, count, once=False), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.sleep(for_s)
    count.lasted_s = monotonic_s() - began_s
    seen = Count(count.replies, count.tokens, count.bad, count.lasted_s)
    for one in made:
        one.stopping = True
    await asyncio.wait([one.done for one in made], timeout=10)
    return seen


async def streams_at_once(port: int, request: bytes, *, streams: int, spread_s: float, marker: bytes) -> Count:
    """Open so many streams, begun evenly over ``spread_s``, one request each; return when every token came."""
    count = Count()
    loop = asyncio.get_running_loop()
    began_s = monotonic_s()
    made: list[_Connection] = []
    for number in range(streams):
        await asyncio.sleep(max(began_s + spread_s * number / streams - monotonic_s(), 0))
        made.append(
            (await loop.create_connection(lambda: _Connection(request, marker, count, once=True), "127.0.0.1", port))[1]
        )
    await asyncio.wait([one.done for one in made], timeout=120)
    count.lasted_s = monotonic_s() - began_s
    return count
