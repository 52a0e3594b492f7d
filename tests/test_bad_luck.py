"""Whatever kills a run: nothing is left running, no fault is left on, and the evidence so far can be judged."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from brownout.rundir import RunDir
from tests.safety.processes import running
from tests.waiting import came_true

CLI = [sys.executable, "-m", "brownout.cli"]
CRASHING = """\
target: crashing
start:
  command:
    - bash
    - -c
    - "{python} -m fixtures.router --world {world} --port {port} & sleep 5; kill -9 $!; echo last words; exit 7"
recover_within_s: 1
"""
SILENT = """\
target: silent
start:
  command: [bash, -c, "echo starting; exec sleep 300"]
  ready: {path: /healthz, within_s: 2}
"""


def _gate(out: Path, *words: str) -> "subprocess.Popen[str]":
    command = [*CLI, "gate", "--profile", "smoke", "--test", "region-refused", "--seed", "3", "--out", str(out), *words]
    return subprocess.Popen(  # noqa: S603 - ours
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 - it does nothing but that
    )


def _hears_ctrl_c() -> None:
    """Who runs in a shell's background is deaf to Ctrl-C, and so are those it starts: a signal may come to nothing."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _fault_is_on(out: Path) -> bool:
    files = list(out.glob("gate/*/faults.jsonl"))
    return bool(files) and '"on"' in files[0].read_text()


def _ways(into: Path) -> list[Path]:
    """Return the links among the machine's temporary files that lead there."""
    links = Path(tempfile.gettempdir()).glob("bo-*")
    return [link for link in links if link.is_symlink() and link.readlink().is_relative_to(into)]


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are counted in /proc")


@needs_proc
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 3), (signal.SIGTERM, 3)])
def test_a_run_killed_in_the_middle_of_a_fault_lets_go(tmp_path: Path, number: int, code: int) -> None:
    """No process stays, the fault is lifted and read back, and what was seen can be judged: unknown, not green."""
    gate = _gate(tmp_path)
    assert came_true(lambda: _fault_is_on(tmp_path))
    assert _ways(tmp_path)

    gate.send_signal(number)
    gate.communicate(timeout=30)

    assert code == gate.returncode
    assert came_true(lambda: not running(tmp_path)), running(tmp_path)
    assert [] == _ways(tmp_path)
    run = RunDir.open(tmp_path / "gate" / "latest")
    off = [record for record in run.faults() if record.event == "off"]
    assert [True] == [record.undone for record in off]
    judged = subprocess.run([*CLI, "judge", str(run.path), "--json"], capture_output=True, text=True, check=False)  # noqa: S603
    assert 2 == judged.returncode
    assert "pass" not in {promise["outcome"] for promise in json.loads(judged.stdout)["promises"]}


@needs_proc
def test_a_signal_at_startup_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C while processes are only just being started ends them too."""
    gate = _gate(tmp_path)
    assert came_true(lambda: len(running(tmp_path)) > 1)

    gate.send_signal(signal.SIGINT)
    gate.communicate(timeout=30)

    assert 3 == gate.returncode
    assert came_true(lambda: not running(tmp_path)), running(tmp_path)


@needs_proc
def test_a_target_that_crashes_in_mid_run_is_a_fail_with_the_tail_of_its_log(tmp_path: Path) -> None:
    """The crash is red and quotes the last words; what could not be seen after it is unknown, not green."""
    target = tmp_path / "crashing.yaml"
    target.write_text(CRASHING)
    gate = _gate(tmp_path / "out", "--target", str(target))
    gate.communicate(timeout=40)

    promises = RunDir.open(tmp_path / "out" / "gate" / "latest").verdicts().promises
    exits = [promise for promise in promises if promise.slo == "target_exits <= 0"]
    assert 1 == gate.returncode
    assert ["fail"] == [promise.outcome for promise in exits]
    assert "last words" in exits[0].why
    assert "exit code 7" in exits[0].why
    assert "pass" not in {promise.outcome for promise in promises}
    assert came_true(lambda: not running(tmp_path)), running(tmp_path)


@needs_proc
def test_a_target_that_never_becomes_ready_is_unknown_within_seconds(tmp_path: Path) -> None:
    """One clear reason, exit code 2, and the target's process is gone."""
    target = tmp_path / "silent.yaml"
    target.write_text(SILENT)
    gate = _gate(tmp_path / "out", "--target", str(target))
    said, _ = gate.communicate(timeout=20)

    promises = RunDir.open(tmp_path / "out" / "gate" / "latest").verdicts().promises
    assert 2 == gate.returncode
    assert {"unknown"} == {promise.outcome for promise in promises}
    assert 1 == len({promise.why for promise in promises})
    assert "within 2 s" in promises[0].why
    assert "starting" in said
    assert came_true(lambda: not running(tmp_path)), running(tmp_path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "localhost", "http://127.0.0.1"])
def test_a_toxiproxy_that_is_not_there_is_bad_input(url: str, tmp_path: Path) -> None:
    """Nothing is started in front of a fault plane that does not answer."""
    out = tmp_path / "out"
    done = subprocess.run(  # noqa: S603 - ours
        [*CLI, "gate", "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env=os.environ | {"TOXIPROXY_URL": url},
    )

    assert 64 == done.returncode
    assert "TOXIPROXY_URL" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--suite", "failovr"], "Did you mean 'failover'?"),
        (["--test", "region-refusd"], "Did you mean 'region-refused'?"),
        (["--topology", "slak"], "Did you mean 'slack'?"),
        (["--profile", "fats"], "Did you mean 'fast'?"),
        (["--target", "no-such-file.yaml"], "cannot be read"),
        (["--sede", "3"], "unrecognized arguments"),
        (["--seed", "three"], "invalid int value"),
        (["--jobs", "0"], "at least 1"),
    ],
)
def test_bad_input_never_starts_a_world(words: list[str], said: str, tmp_path: Path) -> None:
    """Exit code 64, one message that names the nearest match or the fix, and not even a run directory."""
    out = tmp_path / "out"
    done = subprocess.run(  # noqa: S603 - ours
        [*CLI, "gate", "--out", str(out), *words], capture_output=True, text=True, check=False, timeout=20
    )

    assert 64 == done.returncode
    assert said in done.stderr
    assert 1 == len(done.stderr.strip().splitlines())
    assert not out.exists()
