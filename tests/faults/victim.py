"""A small router of sorts, to be struck: a server in one process that has started another, and what is asked of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

import faults  # noqa: F401 - registers every fault
from brownout.clock import LoopClock, wait_until
from brownout.evidence import FaultRecord
from brownout.plan import TARGET, PlannedInjection
from brownout.target import Ready, Start, Target
from fixtures.holds import Reach
from fixtures.injector import Injector
from fixtures.launch import LaunchedTarget
from fixtures.ports import free_port

# argv: port, a folder for its notes. /take holds 64 MB for a moment; /spin never lets a processor go again.
SERVER = """
import http.server, os, pathlib, signal, subprocess, sys, threading
notes = pathlib.Path(sys.argv[2])
with (notes / "starts").open("a") as starts:
    starts.write("x")
if (notes / "never-again").exists():
    sys.exit("never again")
deaf = "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"
subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True)

def politely(*_):
    if not (notes / "deaf").exists():
        (notes / "said-goodbye").touch()
        os._exit(0)

def spin():
    while True:
        pass

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 200
        if self.path == "/take":
            try:
                bytearray(64_000_000)
            except MemoryError:
                status = 507
        if self.path == "/spin":
            threading.Thread(target=spin, daemon=True).start()
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, politely)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def victim(folder: Path) -> Target:
    """Return the target of a server that notes its life in a folder."""
    script = folder / "server.py"
    script.write_text(SERVER)
    (folder / "world.json").write_text("{}")
    command = ["{python}", str(script), "{port}", str(folder)]
    return Target(target="victim", start=Start(command=command, ready=Ready(within_s=20.0)))


def injection(fault: str, **settings: object) -> PlannedInjection:
    """Return an injection of a fault of the router's process."""
    return PlannedInjection(id="i", fault=fault, settings=settings, at=TARGET, endpoints=[], at_s=0.0, for_s=60.0)


@dataclass
class Scene:
    """A victim that is up, and an injector that may strike it.

    Attributes:
        notes: the folder in which it notes its life.
        faults: what the injector wrote.
    """

    process: LaunchedTarget
    injector: Injector
    notes: Path
    faults: list[FaultRecord]

    @property
    def running(self) -> list[psutil.Process]:
        """Its processes."""
        return [psutil.Process(pid) for pid in self.process.pids()]

    async def ask(self, path: str = "/", within_s: float = 20.0) -> int | str:
        """Return the status of the answer, or in a word why there was none."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within_s)) as session:
            try:
                async with session.get(self.process.url + path) as reply:
                    return reply.status
            except TimeoutError:
                return "silence"
            except aiohttp.ClientConnectorError:
                return "refused"

    async def strike(self, fault: str, **settings: object) -> None:
        """Put a fault on."""
        await self.injector.inject(injection(fault, **settings))

    async def lift(self) -> FaultRecord:
        """Take it off; return what was written of that."""
        await self.injector.lift("i")
        return self.faults[-1]

    async def both_run(self) -> bool:
        """Wait until the server and the process that it starts are there."""

        async def both() -> bool:
            return len(self.process.pids()) == 2

        return await wait_until(both, within_s=20.0)


@contextlib.asynccontextmanager
async def struck(folder: Path) -> AsyncIterator[Scene]:
    """Start a victim, and end it whatever happens."""
    clock = LoopClock()
    process = LaunchedTarget(
        victim(folder), folder, test_folder=folder, world=folder / "world.json", port=free_port(str(folder))
    )
    wrote: list[FaultRecord] = []
    reach = Reach(clock=clock, process=process)
    injector = Injector("t", reach, clock=clock, record=wrote.append, lease_s=1e6)
    try:
        await process.start()
        scene = Scene(process, injector, folder, wrote)
        assert await scene.both_run()
        yield scene
    finally:
        process.retire()
        await injector.close()
        await process.stop()


def main(folder: Path, fault: str, settings: dict[str, object]) -> None:
    """Strike a victim, say which processes it has, and wait to be killed."""

    async def strike() -> None:
        async with struck(folder) as scene:
            pids = scene.process.pids()
            await scene.strike(fault, **settings)
            (folder / "pids").write_text(" ".join(map(str, pids)))
            await asyncio.get_running_loop().create_future()

    asyncio.run(strike())
