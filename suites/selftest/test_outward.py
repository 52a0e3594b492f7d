"""Ways out of a machine are shut, or on record: routers that try each of them, sealed, in real time."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from brownout.rundir import RunDir
from fixtures.catalogue import REFERENCE_TARGET
from fixtures.sealed.trial import try_to_seal
from suites.selftest.leaks.outward import OUTSIDE, OUTWARD, SOCKET

TEST = "inside-while-spilling-over"

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module", autouse=True)
def _sealable() -> None:
    trial = try_to_seal()
    if not trial.sealed:
        pytest.skip(f"this machine cannot seal: {trial.why}")


def _target(name: str, folder: Path) -> Path:
    told: dict[str, Any] = yaml.safe_load(REFERENCE_TARGET.read_text())
    command = told["start"]["command"]
    told["start"]["command"] = [command[0], "-m", "suites.selftest.leaks", name, *command[3:]]
    told["target"] = name
    folder.chmod(0o755)  # as root a target runs as nobody, who must be able to read what its file lies beside
    path = folder / "target.yaml"
    path.write_text(yaml.safe_dump(told))
    return path


def _played(name: str, folder: Path) -> tuple[dict[str, str], RunDir]:
    """Play a leaky router sealed; return the outcomes by metric, and the run."""
    command = [sys.executable, "-m", "brownout.cli", "gate", "--target", str(_target(name, folder)), "--test", TEST]
    command += ["--profile", "smoke", "--seal", "on", "--settle", "1", "--seed", "1", "--json", "--out", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own
    verdicts = json.loads(said.stdout)
    outcomes = {one["slo"].split()[0]: one["outcome"] for one in verdicts["promises"]}
    return outcomes, RunDir.open(folder / "gate" / "latest")


@pytest.mark.parametrize("name", [name for name, one in OUTWARD.items() if one.caught_by])
def test_a_way_out_is_on_record_in_the_layer_meant_for_it(name: str, tmp_path: Path) -> None:
    """Its promise is red, and that layer is complete and has seen it: what was refused bears nothing, and was tried."""
    leak = OUTWARD[name]

    outcomes, run = _played(name, tmp_path)

    assert outcomes[leak.caught_by] == "fail", outcomes
    assert {leak.layer} <= {one.layer for one in run.egress() if one.canary or one.denied}
    assert all(one.complete for one in run.layers() if one.layer == leak.layer)


@pytest.fixture
def host_socket() -> Iterator[socket.socket]:
    """Yield a unix socket of the machine's, at which somebody listens."""
    SOCKET.unlink(missing_ok=True)
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(SOCKET))
        SOCKET.chmod(0o777)
        listener.listen()
        listener.setblocking(False)  # noqa: FBT003 - as it is called
        yield listener
    SOCKET.unlink()


def test_a_socket_of_the_machine_is_not_there(tmp_path: Path, host_socket: socket.socket) -> None:
    """Nobody connects to it, and nothing is red: what cannot be done leaves nothing to see."""
    outcomes, _ = _played("uses-a-host-socket", tmp_path)

    assert "fail" not in outcomes.values()
    with pytest.raises(BlockingIOError):
        host_socket.accept()


def test_a_folder_that_others_share_is_the_targets_own(tmp_path: Path) -> None:
    """What it writes there is seen, and is not there for anybody else."""
    OUTSIDE.unlink(missing_ok=True)

    outcomes, _ = _played("writes-outside", tmp_path)

    assert outcomes["data_written"] == "fail", outcomes
    assert not OUTSIDE.exists()
