"""The router inside this process ends as a process does, also when it is struck while it is ending."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

import faults  # noqa: F401 - registers every fault
from brownout.fault import TargetFault, make_fault
from brownout.virtual import VirtualConnector, run_virtual
from fixtures.router.inside import RouterInside


class _Slow:
    """Takes the place of a router: every answer takes a minute."""

    def __init__(self) -> None:
        self.closed = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        del request
        await asyncio.sleep(60)
        return web.Response(text="late")

    async def close(self) -> None:
        self.closed = True


Story = Callable[[RouterInside, list[_Slow], "asyncio.Task[str]"], Awaitable[None]]


def _told(story: Story) -> list[bool]:
    """Tell a story that begins with one request under way; return which routers were closed by its end."""
    made: list[_Slow] = []

    def make() -> _Slow:
        made.append(_Slow())
        return made[-1]

    async def main() -> list[bool]:
        process = RouterInside(make, Path(os.devnull))  # type: ignore[arg-type]
        await process.start()
        async with aiohttp.ClientSession(connector=VirtualConnector()) as session:
            asked = asyncio.create_task(_ask(session, process.url))
            await asyncio.sleep(0.1)
            await story(process, made, asked)
            await process.close()
            await asked
        return [one.closed for one in made]

    return run_virtual(main())


async def _ask(session: aiohttp.ClientSession, url: str) -> str:
    try:
        async with session.post(url) as reply:  # what is not idempotent is not asked again by the client itself
            return await reply.text()
    except aiohttp.ClientError:
        return "broken off"


def test_a_router_killed_while_it_drains_is_gone() -> None:
    """A restart that is lifted in its grace ends the old router: what was in flight breaks off, nothing stays open."""

    async def story(process: RouterInside, made: list[_Slow], asked: "asyncio.Task[str]") -> None:
        fault = make_fault("router-restarted", {})
        assert isinstance(fault, TargetFault)
        turned = await fault.strike(process)
        await asyncio.sleep(0.1)
        assert (False, False) == (process.up, asked.done())
        await turned.undo()
        assert ("broken off", True) == (await asked, process.up)
        assert (1, True, [True, False]) == (turned.fired(), await turned.undone(), [one.closed for one in made])

    assert [True, True] == _told(story)


def test_each_router_is_ended_and_counted_once() -> None:
    """Two that end it at once, one in its own time and one not, have ended one process together."""

    async def story(process: RouterInside, made: list[_Slow], asked: "asyncio.Task[str]") -> None:
        ending = asyncio.create_task(process.terminate(10))
        await asyncio.sleep(0.1)
        assert (1, "broken off") == (await process.kill(), await asked)
        await process.start()
        assert (0, True, 2) == (await ending, process.up, len(made))

    assert [True, True] == _told(story)


def test_one_that_is_started_while_another_drains_takes_nothing_from_it() -> None:
    """The old one goes on draining, and is ended with the new one."""

    async def story(process: RouterInside, made: list[_Slow], asked: "asyncio.Task[str]") -> None:
        ending = asyncio.create_task(process.terminate(10))
        await asyncio.sleep(0.1)
        await process.start()
        assert (False, False, True) == (asked.done(), ending.done(), process.up)
        assert (2, 0, False) == (await process.kill(), await ending, process.up)
        assert [True, True] == [one.closed for one in made]

    assert [True, True] == _told(story)


class _Crashing(_Slow):
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        del request
        raise ValueError("a bug of the router's")


def test_a_router_that_crashes_says_so_in_its_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As a process does on its standard error; the console is for the run."""
    log = tmp_path / "target.log"

    async def main() -> str:
        process = RouterInside(_Crashing, log)  # type: ignore[arg-type]
        await process.start()
        async with aiohttp.ClientSession(connector=VirtualConnector()) as session:
            said = await _ask(session, process.url)
        await process.close()
        return said

    assert "500" in run_virtual(main())
    assert "a bug of the router's" in log.read_text()
    assert ("", "") == capfd.readouterr()
