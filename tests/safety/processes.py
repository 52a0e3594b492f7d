"""Runs as processes, for tests that end them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.waiting import came_true

CLI = [sys.executable, "-m", "brownout.cli"]


def start(*words: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start a command of brownout's."""
    return subprocess.Popen(  # noqa: S603 - ours
        [*CLI, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
    )


def done(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of brownout's to its end."""
    return subprocess.run([*CLI, *words], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours


def gate(out: Path, *words: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start a gate of one short test on real processes, and return once its fault is on."""
    smoke = ["gate", "--profile", "smoke", "--test", "region-refused", "--seed", "3", "--out", str(out)]
    run = start(*smoke, *words, env=env)
    assert came_true(lambda: bool(faults(out / "gate" / "latest")) or run.poll() is not None)
    assert run.poll() is None, run.communicate()[0]
    return run


def up(out: Path) -> "subprocess.Popen[str]":
    """Raise a world and return once it is up."""
    world = start("up", "--out", str(out))
    state = out / "up" / "latest" / "control.json"
    assert came_true(lambda: state.exists() or world.poll() is not None)
    assert world.poll() is None, world.communicate()[0]
    return world


def inject(out: Path, fault: str, at: str, *words: str) -> "subprocess.Popen[str]":
    """Put a fault on by hand, and return once it is on."""
    hand = start("inject", fault, *words, "--at", at, "--for", "60s", "--out", str(out))
    assert hand.stdout is not None
    said = ""
    while "is on at" not in said:
        line = hand.stdout.readline()
        assert line, said
        said += line
    return hand


def faults(run: Path) -> list[dict[str, Any]]:
    """Return what the faults' evidence says so far."""
    file = run / "faults.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def events(run: Path) -> list[tuple[str, str, bool | None]]:
    """Return which fault did what, and whether that was undone."""
    return [(one["fault"], one["event"], one.get("undone")) for one in faults(run)]


def record(state: Path) -> dict[str, Any]:
    """Return the one record there is."""
    (file,) = (state / "runs").glob("*.json")
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


def running(out: Path) -> list[str]:
    """Return the command lines of all processes, but this one, that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(out) in line and entry.parent.name != str(os.getpid()):
            found.append(line)
    return found
