"""Virtual time jumps, and its network has the manners of TCP."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.clock import monotonic_s
from brownout.virtual import VirtualConnector, VirtualWorldStuckError, run_virtual

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
MIB = 2**20


@asynccontextmanager
async def listening(serve: Serve, port: int = 0) -> AsyncIterator[int]:
    """Serve streams on a virtual port, and give the port."""
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Streams, Streams]]:
    """Give both ends of one connection, the caller's first."""
    accepted: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result((reader, writer))

    async with listening(serve) as port:
        ours = await asyncio.open_connection("127.0.0.1", port)
        theirs = await accepted
        try:
            yield ours, theirs
        finally:
            ours[1].close()
            theirs[1].close()


# -- time


def test_time_jumps() -> None:
    """A day passes in no time, and exactly."""

    async def main() -> float:
        await asyncio.sleep(86_400 * 3)
        return asyncio.get_running_loop().time()

    began_s = monotonic_s()
    assert pytest.approx(86_400 * 3, abs=1e-6) == run_virtual(main())
    assert monotonic_s() - began_s < 1


@given(st.lists(st.floats(0, 1000), max_size=30))
@settings(deadline=None)
def test_timers_go_off_in_order(delays_s: list[float]) -> None:
    """Each at its instant, and in the same order every time, also where several are due at once."""

    async def main() -> list[tuple[float, int, float]]:
        loop = asyncio.get_running_loop()
        rung: list[tuple[float, int, float]] = []

        def ring(delay_s: float, number: int) -> None:
            rung.append((delay_s, number, loop.time()))

        for number, delay_s in enumerate(delays_s):
            loop.call_later(delay_s, ring, delay_s, number)
        await asyncio.sleep(1001)
        return rung

    rung = run_virtual(main())
    assert rung == run_virtual(main())
    assert sorted(delays_s) == [delay_s for delay_s, _, _ in rung]
    assert all(delay_s == pytest.approx(at_s, abs=1e-6) for delay_s, _, at_s in rung)


def test_what_runs_at_once_takes_no_time() -> None:
    """Work without a timer happens at one instant, however many turns of the loop it takes."""

    async def main() -> float:
        for _ in range(5000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert 0.0 == run_virtual(main())


def test_timeouts_are_virtual() -> None:
    """A timeout comes between two timers as it would in real time."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(50)
        return asyncio.get_running_loop().time()

    assert 5.0 == run_virtual(main())


def test_every_world_begins_at_zero() -> None:
    """Worlds share nothing: neither the time, nor ports, nor what was listening."""

    async def main() -> tuple[float, int]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            del reader, writer

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(10)
        return began_s, server.sockets[0].getsockname()[1]

    assert run_virtual(main()) == run_virtual(main())
    assert 0.0 == run_virtual(main())[0]


def test_a_world_that_waits_for_the_impossible_is_stuck() -> None:
    """Nothing is scheduled and nothing can come: an error, not a silence for ever."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(VirtualWorldStuckError, match="waits for something that cannot happen"):
        run_virtual(main())


def test_threads_are_refused() -> None:
    """A thread's timing is the machine's; that also goes for those who hide one."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="threads have no place"):
            await asyncio.to_thread(time.gmtime)
        with pytest.raises(RuntimeError, match="threads have no place"):
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)

    run_virtual(main())


def test_what_a_world_leaves_running_is_ended() -> None:
    """Tasks that outlive the main one are cancelled, and may tidy up."""
    tidied = []

    async def straggler() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            tidied.append(True)

    async def main() -> asyncio.Task[None]:
        task = asyncio.create_task(straggler())
        await asyncio.sleep(1)
        return task

    assert run_virtual(main()).cancelled()
    assert [True] == tidied


# -- connections


def test_a_port_where_nobody_listens_refuses() -> None:
    """As on a real machine: ConnectionRefusedError."""

    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", 4711)

    run_virtual(main())


def test_a_port_is_free_again_after_close() -> None:
    """Taken while it is open, refused when it is closed, and to be had again; live connections stay."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def main() -> None:
        async with listening(echo, 8080):
            reader, writer = await asyncio.open_connection("127.0.0.1", 8080)
            with pytest.raises(OSError, match="8080 is in use"):
                await asyncio.start_server(echo, "127.0.0.1", 8080)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", 8080)
        async with listening(echo, 8080):
            writer.write(b"still here")
            assert b"still here" == await reader.read(100)
        writer.close()

    run_virtual(main())


def test_closing_an_old_server_does_not_free_its_successors_port() -> None:
    """Close twice, and whoever listens there now still does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()

    async def main() -> bytes:
        old = await asyncio.start_server(serve, "127.0.0.1", 8080)
        old.close()
        async with listening(serve, 8080):
            old.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", 8080)
            said = await reader.read()
            writer.close()
            return said

    assert b"" == run_virtual(main())


def test_half_a_connection_may_be_closed() -> None:
    """After the caller's EOF the other side can still answer, at any time."""

    async def main() -> None:
        async with pair() as ((reader, writer), (their_reader, their_writer)):
            writer.write(b"question")
            writer.write_eof()
            assert b"question" == await their_reader.read()
            await asyncio.sleep(10)
            their_writer.write(b"answer")
            their_writer.close()
            assert b"answer" == await reader.read()

    run_virtual(main())


def test_what_was_written_before_a_close_arrives() -> None:
    """A close is no reset: everything comes, then the end."""

    async def main() -> None:
        async with pair() as ((reader, _), (_, their_writer)):
            their_writer.write(b"x" * 300_000)
            their_writer.close()
            await asyncio.sleep(5)
            assert b"x" * 300_000 == await reader.read()

    run_virtual(main())


def test_an_abort_is_a_reset_at_the_peer() -> None:
    """Who reads or writes after it learns that the connection was reset, and what had not been read is gone."""

    async def main() -> None:
        async with pair() as ((reader, writer), (_, their_writer)):
            their_writer.write(b"lost")
            their_writer.transport.abort()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            with pytest.raises(ConnectionResetError):
                await _write_for_long(writer)

    run_virtual(main())


def test_nothing_that_was_unread_survives_an_abort() -> None:
    """A reset overtakes what was on its way."""

    class Listener(asyncio.Protocol):
        def __init__(self) -> None:
            self.heard: list[object] = []

        def data_received(self, data: bytes) -> None:
            self.heard.append(data)

        def connection_lost(self, exc: Exception | None) -> None:
            self.heard.append(type(exc))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"lost")
        writer.transport.abort()

    async def main() -> list[object]:
        async with listening(serve) as port:
            loop = asyncio.get_running_loop()
            transport, listener = await loop.create_connection(Listener, "127.0.0.1", port)
            transport.write(b"?")
            await asyncio.sleep(1)
            return listener.heard

    assert [ConnectionResetError] == run_virtual(main())


def test_writing_to_who_has_closed_is_a_reset() -> None:
    """The peer is gone: the writer is told."""

    async def main() -> None:
        async with pair() as ((_, writer), (_, their_writer)):
            their_writer.close()
            await asyncio.sleep(1)
            with pytest.raises(ConnectionResetError):
                await _write_for_long(writer)

    run_virtual(main())


async def _write_for_long(writer: asyncio.StreamWriter, piece: bytes = b"x") -> None:
    for _ in range(10):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.1)


def test_a_slow_reader_holds_the_writer_back() -> None:
    """The writer waits once a buffer's worth is unread, goes on as it is read, and nothing is lost."""

    async def main() -> None:
        async with pair() as ((reader, _), (_, their_writer)):
            sent = 0

            async def send() -> None:
                nonlocal sent
                while sent < 2 * MIB:
                    their_writer.write(bytes(16_384))
                    sent += 16_384
                    await their_writer.drain()
                their_writer.close()

            task = asyncio.create_task(send())
            await asyncio.sleep(100)
            held_at, received = sent, 0
            assert held_at < MIB / 2
            while data := await reader.read(10_000):
                received += len(data)
                assert sent - received < MIB / 2
                await asyncio.sleep(0.01)
            await task
            assert 2 * MIB == sent == received

    run_virtual(main())


def test_a_held_back_writer_is_let_go_when_the_reader_leaves() -> None:
    """Nobody waits for ever for one who has hung up."""

    async def main() -> float:
        async with pair() as ((_, writer), (_, their_writer)):

            async def leave() -> None:
                await asyncio.sleep(3)
                writer.transport.abort()

            task = asyncio.create_task(leave())
            with pytest.raises(ConnectionResetError):
                await _write_for_long(their_writer, bytes(100_000))
            await task
            return asyncio.get_running_loop().time()

    assert 3.0 == run_virtual(main())


@given(st.lists(st.integers(1, 200_000), max_size=12), st.integers(1, 150_000), st.booleans())
@settings(max_examples=40, deadline=None)
def test_transfers_come_whole_and_in_order(sizes: list[int], bite: int, patient: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever the sizes of writes and reads, fast or slow, the bytes are the same."""
    data = [bytes([number % 251]) * size for number, size in enumerate(sizes)]

    async def main() -> bytes:
        async with pair() as ((reader, _), (_, their_writer)):

            async def send() -> None:
                for piece in data:
                    their_writer.write(piece)
                    await their_writer.drain()
                their_writer.write_eof()

            task = asyncio.create_task(send())
            got = bytearray()
            while piece := await reader.read(bite):
                got += piece
                await asyncio.sleep(0.5 if patient else 0)
            await task
            return bytes(got)

    assert b"".join(data) == run_virtual(main())


# -- aiohttp


@asynccontextmanager
async def http(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve HTTP on a virtual port, and give its URL."""
    server = web.Server(answer, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    finally:
        listener.close()
        await server.shutdown(0)


def test_aiohttp_keeps_connections_alive() -> None:
    """Requests one after another share a connection; large bodies pass both ways."""
    seen = set()

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.add(id(request.transport))
        return web.Response(body=(await request.read())[::-1])

    async def main() -> None:
        async with http(answer) as url, aiohttp.ClientSession(connector=VirtualConnector()) as session:
            for size in (1, 100_000, 900_000):
                body = b"a" + b"b" * size
                async with session.post(url, data=body) as reply:
                    assert body[::-1] == await reply.read()

    run_virtual(main())
    assert 1 == len(seen)


def test_aiohttp_streams_at_the_instant_it_is_sent() -> None:
    """Each chunk comes when it was written, neither later nor with the next."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        for number in range(5):
            await reply.write(f"{number}".encode())
            await asyncio.sleep(0.25)
        return reply

    async def main() -> list[tuple[float, bytes]]:
        loop = asyncio.get_running_loop()
        async with (
            http(answer) as url,
            aiohttp.ClientSession(connector=VirtualConnector()) as session,
            session.get(url) as reply,
        ):
            return [(loop.time(), data) async for data in reply.content.iter_any()]

    assert [(n / 4, f"{n}".encode()) for n in range(5)] == run_virtual(main())


def test_aiohttp_meets_the_networks_errors() -> None:
    """A refused connection, a reset in the middle and a timeout are aiohttp's own errors."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/slow":
            await asyncio.sleep(60)
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(b"half of")
        assert request.transport is not None
        request.transport.abort()
        return reply

    async def main() -> None:
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(connector=VirtualConnector(), timeout=timeout) as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get("http://127.0.0.1:9/")
            async with http(answer) as url:
                with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
                    async with session.get(url) as reply:
                        await reply.read()
                with pytest.raises(TimeoutError):
                    await session.get(f"{url}slow")

    run_virtual(main())
