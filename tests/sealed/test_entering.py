"""A sealed command ends as it would otherwise: its exit code, signals, and its whole tree when it is told to go."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.sealed.sealing import PYTHON, SealedLab, lab_in, need_seal
from tests.waiting import came_true

WAITS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"asked to end\\n"), sys.exit(3)))
os.write(1, b"up\\n")
time.sleep(300)
"""


def start(lab: SealedLab, program: str) -> "subprocess.Popen[str]":
    """Start a program sealed."""
    words = lab.seal().command([*PYTHON, "-c", program], dict(os.environ), {}, [])
    return subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)  # noqa: S603


@pytest.mark.parametrize(
    ("program", "code"),
    [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137), ("pass", 0)],
    ids=["a code", "a signal", "well"],
)
def test_its_exit_code_is_the_programs(program: str, code: int, tmp_path: Path) -> None:
    """A death by signal is told as shells do."""
    need_seal()

    async def run() -> int:
        async with lab_in(tmp_path) as lab:
            return (await asyncio.to_thread(lab.run, program)).code

    assert code == asyncio.run(run())


def test_who_asks_it_to_end_asks_the_program(tmp_path: Path) -> None:
    """A signal to the process outside is handed on to the one that matters."""
    need_seal()

    async def run() -> tuple[str, int]:
        async with lab_in(tmp_path) as lab:
            child = start(lab, WAITS)
            assert child.stdout is not None
            said = child.stdout.readline()
            child.send_signal(signal.SIGTERM)
            return said + child.stdout.read(), child.wait(10)

    assert ("up\nasked to end\n", 3) == asyncio.run(run())


def test_when_it_is_killed_all_that_it_started_is_gone(tmp_path: Path) -> None:
    """Also what has left its session."""
    need_seal()
    program = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(300)", "brownout-left-behind"],
                 start_new_session=True)
print("up", flush=True)
time.sleep(300)
"""

    async def run() -> None:
        async with lab_in(tmp_path) as lab:
            child = start(lab, program)
            assert child.stdout is not None
            child.stdout.readline()
            assert came_true(_is_there)
            child.kill()
            child.wait(10)
            assert came_true(lambda: not _is_there())

    asyncio.run(run())


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    """In the words of whoever reads its log."""
    need_seal()

    async def run() -> tuple[int, str]:
        async with lab_in(tmp_path) as lab:
            words = lab.seal().command(["/no/such/program"], dict(os.environ), {}, [])
            done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False)
            return done.returncode, done.stderr

    code, said = asyncio.run(run())
    assert (126, "brownout: /no/such/program cannot be started, sealed: No such file or directory\n") == (code, said)


def test_its_environment_is_as_it_was_but_for_what_a_seal_changes(tmp_path: Path) -> None:
    """Its home, and whom it trusts; what its file says goes before that."""
    need_seal()
    program = "import os; print(os.environ['KEPT'], os.environ['HOME'], os.environ['SSL_CERT_FILE'], os.getcwd())"

    async def run() -> str:
        async with lab_in(tmp_path) as lab:
            own = lab.own
            ran = await asyncio.to_thread(lab.run, program, meant={"KEPT": "as said", "SSL_CERT_FILE": "mine"})
            assert ran.said.split() == ["as", "said", f"{own}/target/home", "mine", f"{own}/target"]
            return ran.said

    asyncio.run(run())


def test_it_trusts_the_worlds_authority_and_asks_its_name_server(tmp_path: Path) -> None:
    """Whatever the machine's own files say."""
    need_seal()
    program = "print(open('/etc/resolv.conf').read() + open('/etc/hosts').read())"

    async def run() -> str:
        async with lab_in(tmp_path) as lab:
            return (await asyncio.to_thread(lab.run, program)).said

    assert "nameserver 198.18.0.53\n127.0.0.1 localhost sealed\n::1 localhost sealed\n\n" == asyncio.run(run())


def _is_there() -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"brownout-left-behind" in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False
