"""A port that is shut refuses connections, stays its owner's, and opens again as the same one."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web

from brownout.virtual import VirtualConnector, run_virtual
from faults.network.dial import NOT_HTTP, long_nonsense
from fixtures.providers.door import HOST, Door

Scenario = Callable[[Door, aiohttp.ClientSession], Coroutine[Any, Any, None]]


async def _answer(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="here")


async def _with_door(scenario: Scenario, connector: Callable[[], aiohttp.BaseConnector]) -> None:
    door = Door(_answer)
    await door.open()
    try:
        async with aiohttp.ClientSession(connector=connector()) as session:
            await scenario(door, session)
    finally:
        door.shut()
        await door.close()


def _really(scenario: Scenario) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(_with_door(scenario, aiohttp.TCPConnector), 20))


def _virtually(scenario: Scenario) -> None:
    run_virtual(_with_door(scenario, VirtualConnector))


BOTH = pytest.mark.parametrize("run", [_really, _virtually])


async def _comes(door: Door, session: aiohttp.ClientSession, *, answered: bool) -> None:
    """Wait until callers are answered, or refused a connection, and nothing else."""
    async with asyncio.timeout(5):
        while await _asked(door, session) != answered:  # noqa: ASYNC110 - what is awaited tells nobody
            await asyncio.sleep(0.01)


async def _asked(door: Door, session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get(f"http://{HOST}:{door.port}/", headers={"Connection": "close"}) as reply:
            return await reply.text() == "here"
    except aiohttp.ClientConnectorError:
        return False


@BOTH
def test_a_door_opens_again_on_its_own_port(run: Callable[[Scenario], None]) -> None:
    """However often it is shut and opened, the port is the first one."""

    async def scenario(door: Door, session: aiohttp.ClientSession) -> None:
        port = door.port
        for _ in range(5):
            assert await _asked(door, session)
            door.turn(listening=False)
            assert not await _asked(door, session)
            door.turn(listening=True)
            await _comes(door, session, answered=True)
        assert port == door.port

    run(scenario)


@BOTH
@pytest.mark.parametrize("last", [True, False])
def test_the_last_turn_counts(run: Callable[[Scenario], None], *, last: bool) -> None:
    """Turned back and forth within one instant, the door ends as it was turned last."""

    async def scenario(door: Door, session: aiohttp.ClientSession) -> None:
        for turned in (False, True, False, True, False, True, last):
            door.turn(listening=turned)
        await asyncio.sleep(0.05)
        assert last == await _asked(door, session)
        door.turn(listening=not last)
        await _comes(door, session, answered=not last)

    run(scenario)


def test_nobody_else_gets_the_port_of_a_door_that_is_shut() -> None:
    """A shut door's port refuses connections and cannot be bound; once closed, it can."""

    async def scenario(door: Door, session: aiohttp.ClientSession) -> None:
        door.turn(listening=False)
        assert not await _asked(door, session)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, door.port))
        door.shut()
        await door.close()
        with socket.socket() as other:
            other.bind((HOST, door.port))

    _really(scenario)


def test_a_port_that_somebody_took_is_opened_when_they_leave() -> None:
    """Opening goes on trying: an endpoint does not stay shut for a stranger's connection."""

    async def scenario(door: Door, session: aiohttp.ClientSession) -> None:
        door.turn(listening=False)
        door._let_go()
        with socket.socket() as other:
            other.bind((HOST, door.port))
            other.listen()
            door.turn(listening=True)
            await asyncio.sleep(0.15)
        await _comes(door, session, answered=True)

    _really(scenario)


@BOTH
def test_closing_while_it_opens_leaves_nobody_listening(run: Callable[[Scenario], None]) -> None:
    """A world that is taken down while a server restarts leaves no port open."""

    async def scenario(door: Door, session: aiohttp.ClientSession) -> None:
        door.turn(listening=False)
        door.turn(listening=True)
        door.shut()
        await door.close()
        assert not await _asked(door, session)

    run(scenario)


def test_what_is_no_http_is_turned_away_without_a_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Faults' probes say such things on purpose; a failure of the handler's own is still told."""

    async def say(door: Door, words: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, door.port)
        writer.write(words)
        reply = await reader.read()
        writer.close()
        return reply.partition(b"\r\n")[0]

    async def fails(_: web.BaseRequest) -> web.StreamResponse:
        raise ValueError("ours")

    async def main() -> list[bytes]:
        door = Door(fails)
        await door.open()
        try:
            said = [await say(door, words) for words in (NOT_HTTP, long_nonsense())]
            assert [] == caplog.records
            return [*said, await say(door, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")]
        finally:
            door.shut()
            await door.close()

    assert [b"400", b"400", b"500"] == [line.split()[1] for line in run_virtual(main())]
    assert ["Error handling request from 127.0.0.1"] == [record.getMessage() for record in caplog.records]
