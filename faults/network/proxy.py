"""One proxy of the embedded Toxiproxy: a listener, its upstream, its toxics and its live connections."""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TypeAlias

from brownout.clock import rng_for
from faults.network.pipe import Ending, Fitted, Pipe, Source
from faults.network.toxics import Rng, Stream, ToxiproxyError, attributes_of, make_toxic

# Closing a socket that lingers for no time drops what is unsent and sends a TCP reset.
_LINGER_NONE = struct.pack("ii", 1, 0)
_BACKLOG = 1024
MakeSocket: TypeAlias = Callable[[str, int], socket.socket | None]
"""Makes a socket that is bound to a host and port; None: it is for somebody else to make."""


def split_address(address: str) -> tuple[str, int]:
    """Return the host and port of ``host:port`` or ``[v6]:port``. No host means loopback, never all interfaces.

    Raises:
        ValueError: no port, or one out of range.
    """
    host, colon, port = address.rpartition(":")
    if not colon:
        raise ValueError(f"address {address}: missing port in address")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"address {port}: invalid port")
    host = host.removeprefix("[").removesuffix("]")
    # One name, one listener: "localhost" would bind two, and each would take another free port.
    return ("127.0.0.1" if host in {"", "localhost"} else host), int(port)


class Connection:
    """One client's connection and, once dialled, its upstream's.

    Args:
        proxy: whose toxics apply.
        number: how many connections the proxy had accepted before; every draw of chance depends on it.
    """

    def __init__(self, proxy: "Proxy", number: int, reader: Source, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self.number = number
        self._reader = reader
        self._writers = [writer]
        self._open_streams = 2
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._closed = False
        self.pipes: list[Pipe] = []
        self.spawn(self._open())

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run a part of this connection until the connection ends. A lost peer ends it."""
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._tasks[task] = None

        def clear(done: asyncio.Task[None]) -> None:
            self._tasks.pop(done, None)
            work.close()  # it never began if the connection ended first

        task.add_done_callback(clear)

    async def _guard(self, work: Coroutine[object, object, None]) -> None:
        failed = True
        try:
            await work
            failed = False
        except OSError:
            pass  # a peer has gone, or the upstream cannot be had: the other side sees the end of the stream
        finally:
            if failed:
                self.close()

    async def _open(self) -> None:
        try:
            host, port = split_address(self._proxy.upstream)
            reader, writer = await _dial(host, port)
        except (ValueError, OverflowError) as error:
            raise OSError(f"upstream {self._proxy.upstream}: {error}") from error
        self._writers.append(writer)
        self._add_pipe("upstream", self._reader, writer)
        self._add_pipe("downstream", reader, self._writers[0])
        for pipe in self.pipes:
            for fitted in self._proxy.toxics:
                pipe.add(fitted, from_start=True)
            self.spawn(pipe.run())

    def _add_pipe(self, stream: Stream, reader: Source, writer: asyncio.StreamWriter) -> None:
        def rng_of(name: str) -> Rng:
            return rng_for(self._proxy.seed, self._proxy.name, self.number, stream, name)

        def on_act_of(name: str) -> Callable[[], None]:
            acted = self._proxy.acted_on(name)
            return lambda: acted.add(self.number)

        self.pipes.append(
            Pipe(
                stream,
                reader,
                writer,
                rng_of=rng_of,
                on_act_of=on_act_of,
                spawn=self.spawn,
                on_ending=self._on_ending,
            )
        )

    def _on_ending(self, ending: Ending) -> None:
        if ending is Ending.EOF:
            self._open_streams -= 1
        if ending is Ending.RESET:
            self.close(reset=True)
        elif ending is Ending.CLOSE or self._open_streams == 0:
            self.close()

    def close(self, *, reset: bool = False) -> None:
        """End both sides now; what was written still goes out, unless they are reset."""
        if self._closed:
            return
        self._closed = True
        self._proxy.forget(self)
        for writer in self._writers:
            if reset:
                _reset(writer)
            else:
                writer.close()
        for task in list(self._tasks):
            task.cancel()


async def _dial(host: str, port: int) -> tuple[Source, asyncio.StreamWriter]:
    """Connect, as `asyncio.open_connection` does, with a reading end of ours."""
    loop = asyncio.get_running_loop()
    source = Source()
    protocol = asyncio.StreamReaderProtocol(source, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, host, port)
    return source, asyncio.StreamWriter(transport, protocol, source, loop)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    writer.transport.abort()


class Proxy:
    """One proxy. Made disabled; `enable` makes it listen.

    Args:
        name: unique in its server.
        upstream: ``host:port`` that connections are carried to. Not looked at until one comes.
        listen: ``host:port``; port 0 takes a free one, which is then kept.
        seed: what every draw of chance here starts from.
        sockets: makes the socket to listen at; None from it, or in its place, is for one of this network.
    """

    def __init__(self, name: str, *, upstream: str, listen: str, seed: int, sockets: MakeSocket | None = None) -> None:
        self._sockets = sockets
        self.name = name
        self.upstream = upstream
        self.listen = listen
        self.seed = seed
        self._toxics: list[Fitted] = []
        self._server: asyncio.Server | None = None
        self._kept_port: socket.socket | None = None
        self._accepted = 0
        self._acted: dict[str, set[int]] = {}
        self._cut: set[int] = set()
        # A dict for its order: connections are closed in the order they came, run after run.
        self._connections: dict[Connection, None] = {}

    @property
    def enabled(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def toxics(self) -> tuple[Fitted, ...]:
        """Return its toxics in the order they were added, upstream ones first."""
        return tuple(sorted(self._toxics, key=lambda fitted: fitted.stream == "downstream"))

    @property
    def connections(self) -> int:
        """How many connections are alive."""
        return len(self._connections)

    async def enable(self) -> None:
        """Listen.

        Raises:
            ToxiproxyError: 500, the address cannot be listened on.
        """
        if self._server is not None:
            return
        try:
            host, port = split_address(self.listen)
            self._let_port_go()
            self._server = await self._listen(host, port)
        except ValueError as error:
            raise ToxiproxyError(500, f"listen tcp: {error}") from None
        except OSError as error:
            reason = (error.strerror or str(error)).rpartition(": ")[2].lower()
            raise ToxiproxyError(500, f"listen tcp {self.listen}: bind: {reason}") from None
        host, port = self._server.sockets[0].getsockname()[:2]
        self.listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        made = self._sockets(host, port) if self._sockets else None
        if made is not None:
            return await loop.create_server(self._greet, sock=made, backlog=_BACKLOG)
        return await loop.create_server(self._greet, host, port, backlog=_BACKLOG)

    async def disable(self) -> None:
        """Refuse new connections and close the live ones. On return nothing listens."""
        if self._server is None:
            return
        server, self._server = self._server, None
        real = hasattr(server.sockets[0], "fileno")
        server.close()
        if real:
            self._keep_port()
        self._cut = {connection.number for connection in self._connections}
        for connection in list(self._connections):
            connection.close()
        await asyncio.sleep(0)  # closed transports leave their sockets in the loop's next turn

    async def close(self) -> None:
        """Disable for good: another may take the port."""
        await self.disable()
        self._let_port_go()

    def _keep_port(self) -> None:
        # Bound and not listening, a port refuses connections, and the kernel gives it to no outgoing one: without
        # this, a busy load test now and then finds its proxy's port taken when the fault ends.
        host, port = split_address(self.listen)
        kept = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            kept.bind((host, port))
        except OSError:
            kept.close()  # somebody was faster; enable will say so
        else:
            self._kept_port = kept

    def _let_port_go(self) -> None:
        if self._kept_port is not None:
            self._kept_port.close()
            self._kept_port = None

    def _greet(self) -> asyncio.StreamReaderProtocol:
        source = Source()

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._accept(source, writer)

        return asyncio.StreamReaderProtocol(source, accept, loop=asyncio.get_running_loop())

    def _accept(self, reader: Source, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # it was in the backlog when the listener closed
            writer.close()
            return
        connection = Connection(self, self._accepted, reader, writer)
        self._accepted += 1
        self._connections[connection] = None

    def forget(self, connection: Connection) -> None:
        """Drop a connection that has ended."""
        self._connections.pop(connection, None)

    def toxic(self, name: str) -> Fitted:
        """Return the toxic of that name.

        Raises:
            ToxiproxyError: 404, there is none.
        """
        for fitted in self._toxics:
            if fitted.name == name:
                return fitted
        raise ToxiproxyError(404, "toxic not found")

    def add_toxic(
        self,
        kind: str,
        attributes: Mapping[str, object],
        *,
        stream: str = "downstream",
        toxicity: float = 1.0,
        name: str = "",
    ) -> Fitted:
        """Add a toxic to the end of its stream's chain, for live connections too.

        Whether it acts on a connection is drawn once per connection and toxic, from the seed, the proxy's name,
        the connection's number and the toxic's name. (The real server draws from an unseeded generator, and
        again for all toxics whenever one of them changes.)

        Args:
            kind: its type.
            attributes: see `faults.network.toxics`.
            stream: ``upstream`` or ``downstream``, in any case of letters.
            toxicity: the share of connections it acts on, from 0 to 1.
            name: ``<kind>_<stream>`` when empty.

        Raises:
            ToxiproxyError: 400 for settings that cannot be, 409 for a name that is taken.
        """
        direction: Stream
        match stream.lower():
            case "" | "downstream":
                direction = "downstream"
            case "upstream":
                direction = "upstream"
            case _:
                raise ToxiproxyError(400, "stream was invalid, can be either upstream or downstream")
        made = make_toxic(kind, attributes)
        name = name or f"{kind}_{direction}"
        if any(fitted.name == name for fitted in self._toxics):
            raise ToxiproxyError(409, "toxic already exists")
        fitted = Fitted(name=name, stream=direction, toxicity=toxicity, toxic=made)
        self._toxics.append(fitted)
        self._acted[name] = set()
        for pipe in self._pipes():
            pipe.add(fitted)
        return fitted

    def update_toxic(
        self, name: str, attributes: Mapping[str, object] | None = None, *, toxicity: float | None = None
    ) -> Fitted:
        """Change a toxic's attributes and toxicity; what is not given stays as it is.

        Raises:
            ToxiproxyError: 404 for an unknown name, 400 for settings that cannot be.
        """
        old = self.toxic(name)
        fitted = Fitted(
            name=name,
            stream=old.stream,
            toxicity=old.toxicity if toxicity is None else toxicity,
            toxic=make_toxic(old.toxic.kind, attributes or {}, base=old.toxic),
        )
        self._toxics[self._toxics.index(old)] = fitted
        for pipe in self._pipes():
            pipe.change(fitted)
        return fitted

    def remove_toxic(self, name: str) -> None:
        """Take a toxic away. Bytes it holds go on at once; under `timeout` the connection closes.

        Raises:
            ToxiproxyError: 404, there is none of that name.
        """
        self._toxics.remove(self.toxic(name))
        for pipe in self._pipes():
            pipe.remove(name)

    def acted_on(self, name: str) -> set[int]:
        """Return the numbers of the connections a toxic has acted on since it was added, to be added to."""
        return self._acted[name]

    def acted_json(self) -> dict[str, object]:
        """Return the numbers of the connections that each toxic has acted on, and of those that were cut."""
        return {"toxics": {name: sorted(acted) for name, acted in self._acted.items()}, "cut": sorted(self._cut)}

    def acted(self, names: Sequence[str], *, cut: bool = False) -> int:
        """Return on how many connections the toxics of these names have acted, since each was added.

        Args:
            names: the toxics'.
            cut: whether to count those, too, that were closed when the proxy was last disabled.
        """
        touched = set(self._cut) if cut else set()
        return len(touched.union(*(self._acted.get(name, ()) for name in names)))

    def remove_all_toxics(self) -> None:
        """Take every toxic away."""
        for fitted in list(self._toxics):
            self.remove_toxic(fitted.name)

    def _pipes(self) -> list[Pipe]:
        return [pipe for connection in self._connections for pipe in connection.pipes]


def toxic_json(fitted: Fitted) -> dict[str, object]:
    """Return a toxic as the API shows it."""
    return {
        "attributes": attributes_of(fitted.toxic),
        "name": fitted.name,
        "type": fitted.toxic.kind,
        "stream": fitted.stream,
        "toxicity": fitted.toxicity,
    }


def proxy_json(proxy: Proxy) -> dict[str, object]:
    """Return a proxy as the API shows it. The empty Logger leaks out of the real server; clients have met it."""
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": [toxic_json(fitted) for fitted in proxy.toxics],
    }
