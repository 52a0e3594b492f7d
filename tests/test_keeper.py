"""The keeper ends its child, and all that the child started, when its parent goes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brownout.keeper import command
from tests.waiting import came_true

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
deaf = "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(300)"
child = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(300)
"""


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_exit_code_is_the_childs() -> None:
    """Who waits for the keeper learns how the child ended."""
    keeper = subprocess.Popen(  # noqa: S603 - ours
        command([sys.executable, "-c", "raise SystemExit(7)"]), stdin=subprocess.PIPE
    )

    assert 7 == keeper.wait(20)


def test_a_parent_that_goes_takes_the_whole_tree_with_it(tmp_path: Path) -> None:
    """Children that ignore SIGTERM, and grandchildren in sessions of their own, end too."""
    said = tmp_path / "pids"
    keeper = subprocess.Popen(  # noqa: S603 - ours
        command([sys.executable, "-c", STUBBORN, str(said)]), stdin=subprocess.PIPE
    )
    assert came_true(lambda: said.exists() and len(said.read_text().split()) == 2)
    child, grandchild = map(int, said.read_text().split())
    assert _alive(child)
    assert _alive(grandchild)

    assert keeper.stdin is not None
    keeper.stdin.close()
    keeper.wait(20)

    assert came_true(lambda: not _alive(child) and not _alive(grandchild))


def test_a_keeper_that_is_killed_does_not_leave_its_child(tmp_path: Path) -> None:
    """Even the keeper's own death is the child's."""
    said = tmp_path / "pid"
    code = "import os,sys,time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(300)"
    keeper = subprocess.Popen(command([sys.executable, "-c", code, str(said)]), stdin=subprocess.PIPE)  # noqa: S603
    assert came_true(lambda: said.exists() and bool(said.read_text()))
    child = int(said.read_text())

    os.kill(keeper.pid, 9)
    keeper.wait(10)

    assert came_true(lambda: not _alive(child))


def test_a_way_is_there_as_long_as_its_child(tmp_path: Path) -> None:
    """A link that a child needs leads where it was told, and goes with the child, whatever becomes of the parent."""
    (tmp_path / "far").mkdir()
    way, said = tmp_path / "way", tmp_path / "far" / "said"
    code = "import sys, time; open(f'{sys.argv[1]}/said', 'w').write('x'); time.sleep(300)"
    words = command([sys.executable, "-c", code, str(way)], (way, tmp_path / "far"))
    keeper = subprocess.Popen(words, stdin=subprocess.PIPE)  # noqa: S603 - ours
    assert came_true(lambda: said.exists() and said.read_text() == "x")

    assert keeper.stdin is not None
    keeper.stdin.close()
    keeper.wait(20)

    assert not way.is_symlink()
