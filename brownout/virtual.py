"""The virtual clock: an event loop that jumps to the next timer, and a network made of memory.

Nothing here waits for the machine. When every callback has run, the clock jumps to the next timer; connections are
pairs of in-memory transports, so that bytes arrive in the order they were sent, at the instant they were sent, on
any machine under any load. (Loopback sockets nearly do that; "nearly" is what a history that must be equal byte for
byte cannot afford.) Real aiohttp servers and clients run on it unchanged: servers by ``loop.create_server``, clients
by `VirtualConnector`.
"""

import asyncio
import datetime as dt
import selectors
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_exceptions import ClientConnectorDNSError, ClientConnectorError
from aiohttp.helpers import is_ip_address

if TYPE_CHECKING:
    from aiohttp.client import ClientTimeout
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

T = TypeVar("T")
_HIGH_WATER_BYTES = 65_536
_FIRST_PORT = 20_001
_POLL_EVERY = 512  # selects between looks at the real file descriptors (signals)
_STUCK_POLLS = 40
_STUCK_POLL_S = 0.05


class VirtualWorldStuckError(RuntimeError):
    """Nothing is scheduled and nothing can arrive: the world waits for something that cannot happen."""


class _JumpSelector(selectors.SelectSelector):
    """A selector that, instead of waiting for the next timer, moves the clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self._calls = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._calls += 1
        if timeout is None:
            return self._wait_for_a_thread()
        if self._calls % _POLL_EVERY == 0 and (ready := super().select(0)):
            return ready
        if timeout > 0:
            self.now_s += timeout
        return []

    def _wait_for_a_thread(self) -> list[tuple[selectors.SelectorKey, int]]:
        for _ in range(_STUCK_POLLS):
            if ready := super().select(_STUCK_POLL_S):
                return ready
        raise VirtualWorldStuckError("the virtual world waits for something that cannot happen: no timer is set")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time with a network of its own.

    ``utc_base`` is the made-up moment at which the loop's time is 0. Threads are refused: their timing is the
    machine's.
    """

    utc_base = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def __init__(self) -> None:
        self._jump = _JumpSelector()
        super().__init__(self._jump)
        self._clock_resolution = 1e-9
        self._listening: dict[int, _VirtualServer] = {}
        self._next_port = _FIRST_PORT

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jump.now_s

    def run_in_executor(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        """Refuse: a thread's timing is not virtual."""
        raise RuntimeError("threads have no place in a virtual world: their timing is the machine's")

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str = "", port: int = 0, **_: Any
    ) -> asyncio.AbstractServer:
        """Listen on a virtual port (0: the next free one)."""
        if not port:
            port, self._next_port = self._next_port, self._next_port + 1
        if port in self._listening:
            raise OSError(98, f"virtual port {port} is in use")
        server = _VirtualServer(self, protocol_factory, host or "127.0.0.1", port)
        self._listening[port] = server
        return server

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str = "", port: int = 0, **_: Any
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to a virtual port; raises ConnectionRefusedError where nobody listens."""
        await asyncio.sleep(0)
        server = self._listening.get(port)
        if server is None:
            raise ConnectionRefusedError(111, f"nobody listens on virtual port {port}")
        ours, theirs = _Side(self, ("127.0.0.1", 0), (host, port)), _Side(self, (host, port), ("127.0.0.1", 0))
        ours.peer, theirs.peer = theirs, ours
        theirs.attach(server.factory())
        protocol = protocol_factory()
        ours.attach(protocol)
        return ours, protocol

    def stop_listening(self, port: int) -> None:
        """Free a virtual port."""
        self._listening.pop(port, None)


class _Address:
    """What stands in for a listening socket: only its name is ever asked for."""

    def __init__(self, host: str, port: int) -> None:
        self._name = (host, port)

    def getsockname(self) -> tuple[str, int]:
        return self._name


class _VirtualServer(asyncio.AbstractServer):
    def __init__(self, loop: VirtualLoop, factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> None:
        self._loop, self.factory, self._port = loop, factory, port
        self._open = True
        self.sockets = (_Address(host, port),)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.stop_listening(self._port)

    def is_serving(self) -> bool:
        return self._open

    def get_loop(self) -> VirtualLoop:
        return self._loop

    async def start_serving(self) -> None:
        pass

    async def serve_forever(self) -> None:
        await self._loop.create_future()

    async def wait_closed(self) -> None:
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class _Side(asyncio.Transport):
    """One side of an in-memory connection, with TCP's manners: half-close, reset, backpressure."""

    peer: "_Side"

    def __init__(self, loop: VirtualLoop, sockname: tuple[str, int], peername: tuple[str, int]) -> None:
        super().__init__({"sockname": sockname, "peername": peername})
        self._loop = loop
        self._protocol: Any = None
        self._inbox: deque[bytes] = deque()
        self._inbox_bytes = 0
        self._eof_queued = False
        self._reading = True
        self._delivery_due = False
        self._closing = False
        self._wrote_eof = False
        self._lost = False
        self._writer_paused = False

    def attach(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol
        protocol.connection_made(self)

    # -- writing
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self._lost or self._wrote_eof or not data:
            return
        if self.peer._closing or self.peer._lost:  # noqa: SLF001 - two halves of one thing
            self._loop.call_soon(self._lose, ConnectionResetError(104, "the peer has closed"))
            return
        self.peer._receive(bytes(data))  # noqa: SLF001

    def write_eof(self) -> None:
        if not self._wrote_eof and not self._closing:
            self._wrote_eof = True
            self.peer._receive_eof()  # noqa: SLF001

    def can_write_eof(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return self.peer._inbox_bytes  # noqa: SLF001

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    # -- closing
    def is_closing(self) -> bool:
        return self._closing or self._lost

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._wrote_eof:
                self.peer._receive_eof()  # noqa: SLF001
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        self._closing = True
        peer = self.peer
        if not peer._lost:  # noqa: SLF001
            peer._inbox.clear()  # noqa: SLF001
            self._loop.call_soon(peer._lose, ConnectionResetError(104, "connection reset by peer"))  # noqa: SLF001
        self._loop.call_soon(self._lose, None)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self._resume_peer()
            self._protocol.connection_lost(error)

    # -- reading
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol  # type: ignore[no-any-return]

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._schedule()

    def _receive(self, data: bytes) -> None:
        self._inbox.append(data)
        self._inbox_bytes += len(data)
        if not self._delivery_due:
            self._schedule()
        if self._inbox_bytes > _HIGH_WATER_BYTES and not self.peer._writer_paused:  # noqa: SLF001
            self.peer._writer_paused = True  # noqa: SLF001
            self.peer._protocol.pause_writing()  # noqa: SLF001

    def _receive_eof(self) -> None:
        self._eof_queued = True
        self._schedule()

    def _schedule(self) -> None:
        if not self._delivery_due and (self._inbox or self._eof_queued):
            self._delivery_due = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._delivery_due = False
        if self._closing or self._lost or not self._reading or self._protocol is None:
            return
        if self._inbox:
            data = self._inbox.popleft() if len(self._inbox) == 1 else b"".join(self._inbox)
            self._inbox.clear()
            self._inbox_bytes = 0
            if self.peer._writer_paused:  # noqa: SLF001 - two halves of one thing
                self._resume_peer()
            self._protocol.data_received(data)
            if self._inbox or self._eof_queued:
                self._schedule()
        elif self._eof_queued:
            self._eof_queued = False
            if not self._protocol.eof_received():
                self.close()

    def _resume_peer(self) -> None:
        if self.peer._writer_paused and not self.peer._lost:  # noqa: SLF001
            self.peer._writer_paused = False  # noqa: SLF001
            self.peer._protocol.resume_writing()  # noqa: SLF001


class VirtualConnector(aiohttp.BaseConnector):
    """aiohttp's way onto the virtual network (as its own UnixConnector is onto a path).

    Args:
        resolver: is asked for the address of every host name; without one, all names mean this network.
        options: aiohttp's.
    """

    def __init__(self, *, resolver: AbstractResolver | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._resolver = resolver

    async def _create_connection(
        self,
        req: "ClientRequest",
        traces: "list[Trace]",
        timeout: "ClientTimeout",  # noqa: ASYNC109 - aiohttp's signature
    ) -> "ResponseHandler":
        del traces, timeout  # a virtual connection is made, or refused, at once
        host, port = req.url.raw_host or "", req.url.port or 80
        if self._resolver is not None and not is_ip_address(host):
            try:
                (found, *_) = await self._resolver.resolve(host, port)
            except OSError as error:
                raise ClientConnectorDNSError(req.connection_key, error) from error
            host = found["host"]
        try:
            _, protocol = await self._loop.create_connection(self._factory, host, port)
        except OSError as error:
            raise ClientConnectorError(req.connection_key, error) from error
        return protocol


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a world of its own, in virtual time, and return what it returns.

    Raises:
        VirtualWorldStuckError: the world waits for something that cannot happen.
    """
    loop = VirtualLoop()
    loop.set_exception_handler(_say)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        try:
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _say(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), ConnectionError):
        sys.stderr.write(f"brownout: in virtual time at {loop.time():.3f} s: {context.get('message')}\n")
        loop.default_exception_handler(context)
