"""A lab: sockets in its namespaces, its counts, and that nothing of it is left, whatever ends it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from fixtures.child import rooms_environment
from fixtures.sealed.asking import Entrance
from fixtures.sealed.lab import LabGone
from fixtures.sealed.sealing import joining
from fixtures.sealed.trial import Trial
from tests.sealed.sealing import PYTHON, lab_in, need_seal, trial
from tests.waiting import came_true

WORLD = "198.18.1.1"
_CAP_SETFCAP = 31  # what a root needs to be mapped into a user namespace (Linux 5.12); a user needs none


def test_the_target_reaches_what_listens_in_the_world(tmp_path: Path) -> None:
    """And that is declared, and no leak."""
    need_seal()

    async def run() -> tuple[str, list[tuple[str, bool]]]:
        async with lab_in(tmp_path) as lab:
            with lab.process.lab.listener(WORLD, 443, "bedrock.example") as listener:
                listener.listen()
                program = f"import socket; s = socket.create_connection(({WORLD!r}, 443), 5); print('reached')"
                ran = await asyncio.to_thread(lab.run, program)
            return ran.said, [(one.place, one.denied) for one in lab.flows()]

    assert ("reached\n", [("bedrock.example:443/tcp", False)]) == asyncio.run(run())


def test_who_asks_for_a_way_to_the_target_gets_one(tmp_path: Path) -> None:
    """A server on the loopback in there is reached from here by a connector of ours, and by no other."""
    need_seal()

    async def answer(request: web.BaseRequest) -> web.Response:
        del request
        return web.Response(text="inside")

    async def run() -> str:
        async with lab_in(tmp_path) as lab:
            inside = lab.process.lab.make("sut", bind=("127.0.0.1", 8080))
            server = await asyncio.get_running_loop().create_server(web.Server(answer), sock=inside)
            async with (
                aiohttp.ClientSession(connector=lab.process.lab.connector()) as session,
                session.get("http://127.0.0.1:8080/") as reply,
            ):
                text = await reply.text()
            server.close()
            assert [] == lab.flows()
            return text

    assert "inside" == asyncio.run(run())


def test_a_program_beside_the_target_reaches_it_and_is_otherwise_as_ever(tmp_path: Path) -> None:
    """The load is such a one: it sees its own files and writes its evidence."""
    need_seal()

    async def run() -> tuple[str, str]:
        async with lab_in(tmp_path) as lab:
            with lab.process.lab.make("sut", bind=("127.0.0.1", 8080)) as inside:
                inside.listen()
                program = "import os, socket; socket.create_connection(('127.0.0.1', 8080), 5); print(os.getcwd())"
                words = joining(lab.process.lab.entrance(), [*PYTHON, "-c", program])
                done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False)
            return done.stdout.strip(), done.stderr

    assert (str(Path.cwd()), "") == asyncio.run(run())


def test_datagrams_are_counted_on_the_cable(tmp_path: Path) -> None:
    """Whether somebody reads them or not."""
    need_seal()

    async def run() -> int:
        async with lab_in(tmp_path) as lab:
            with lab.process.lab.make("fab", kind=socket.SOCK_DGRAM, bind=(WORLD, 53), name="names"):
                program = f"import socket; s = socket.socket(2, 2); [s.sendto(b'x', ({WORLD!r}, 53)) for _ in range(7)]"
                await asyncio.to_thread(lab.run, program)
                return lab.process.lab.datagrams(WORLD, 53)

    assert 7 == asyncio.run(run())


def test_an_error_in_the_lab_is_told_to_who_asked(tmp_path: Path) -> None:
    """With the kernel's number."""
    need_seal()

    async def run() -> None:
        async with lab_in(tmp_path) as lab:
            with lab.process.lab.listener(WORLD, 80, "first") as first:
                first.listen()
                with pytest.raises(OSError, match=r"in the lab: Address already in use") as raised:
                    lab.process.lab.listener(WORLD, 80, "second")
            assert 98 == raised.value.errno

    asyncio.run(run())


def test_ten_thousand_packets_are_all_on_record(tmp_path: Path) -> None:
    """As fast as one process sends them."""
    need_seal()

    async def run() -> tuple[int, bool]:
        async with lab_in(tmp_path) as lab:
            program = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(10_000): s.sendto(b"x" * 100, ("192.0.2.1", 9))"""
            ran = await asyncio.to_thread(lab.run, program)
            assert "" == ran.complained
            flows = lab.flows()
            return sum(one.times for one in flows), lab.layer().complete

    assert (10_000, True) == asyncio.run(run())


def test_a_lab_that_is_killed_tells_nothing_more_and_leaves_nothing(tmp_path: Path) -> None:
    """Its namespaces go with the last process in them; who asks it is told that it has gone."""
    need_seal()

    async def run() -> tuple[list[int], bytes]:
        async with lab_in(tmp_path) as lab:
            entrance = lab.process.lab.entrance()
            namespace = _namespace(entrance)
            os.kill(int(entrance.net.split("/")[2]), signal.SIGKILL)
            with pytest.raises(LabGone):
                await asyncio.to_thread(lab.process.lab.finish)
            return _in_namespace(namespace), (tmp_path / "layers.jsonl").read_bytes()

    assert ([], b"") == asyncio.run(run())


def test_when_the_run_is_killed_the_target_and_the_namespaces_go(tmp_path: Path) -> None:
    """Whoever started all of it got no chance to take it down."""
    need_seal()
    program = """
import asyncio, subprocess, sys, time
from pathlib import Path
from brownout.keeper import command
from tests.sealed.sealing import PYTHON, lab_in
async def main():
    folder = Path(sys.argv[1])
    async with lab_in(folder) as lab:
        words = lab.seal().command([*PYTHON, "-c", "import time; time.sleep(300)"], {}, {}, [])
        subprocess.Popen(command(words), stdin=subprocess.PIPE)
        print(Path(lab.process.lab.entrance().net).readlink().name, flush=True)
        await asyncio.sleep(300)
asyncio.run(main())
"""
    environment = {**rooms_environment(), "PYTHONPATH": str(Path.cwd())}
    run = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, env=environment)  # noqa: S603
    assert run.stdout is not None
    namespace = run.stdout.readline().decode().strip()
    assert came_true(lambda: len(_in_namespace(namespace)) >= 2)  # the target, and the first of its processes

    run.kill()
    run.wait()

    assert came_true(lambda: not _in_namespace(namespace))


def _namespace(entrance: Entrance) -> str:
    return Path(entrance.net).readlink().name


def _in_namespace(namespace: str) -> list[int]:
    """Return the processes in a network namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if path.readlink().name == namespace:
                found.append(int(path.parts[2]))
        except OSError:
            continue
    return found


def test_without_privileges_it_is_done_in_a_user_namespace() -> None:
    """As root without the privileges that namespaces need; a user has none to begin with."""
    need_seal()
    program = f"""
import sys
from fixtures.sealed import kernel
for number in range(64):
    try: kernel.prctl(23, number)
    except OSError: break
    if number != {_CAP_SETFCAP}: kernel.prctl(24, number)
import os
tried = "import sys, msgspec; from fixtures.sealed.trial import try_to_seal; "
tried += "sys.stdout.buffer.write(msgspec.json.encode(try_to_seal()))"
os.execv(sys.executable, [sys.executable, "-c", tried])
"""
    if trial().by == "user namespace":
        found = trial()
    else:
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, capture_output=True, env=rooms_environment(), check=True)  # noqa: S603
        found = msgspec.json.decode(done.stdout, type=Trial)
    if not found.sealed:
        pytest.skip(f"user namespaces are not let here: {found.why}. {found.help}")

    assert "user namespace" == found.by
