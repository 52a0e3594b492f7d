"""Ports for targets: never one that the kernel may give away in between."""

import asyncio
import socket
from pathlib import Path

import pytest

import fixtures.real
from brownout.evidence import Journal
from brownout.rundir import RunDir
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions, make_plan
from fixtures.ports import free_port, is_free
from fixtures.real import RealStage
from fixtures.suites import load_suite

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not EPHEMERAL.exists(), reason="the kernel's range is read from /proc")
def test_a_free_port_lies_below_those_the_kernel_gives_away() -> None:
    """An outgoing connection of anybody's can never take it."""
    first = int(EPHEMERAL.read_text().split()[0])

    assert [] == [port for number in range(50) if (port := free_port(number)) >= first]


def test_a_held_port_is_not_free() -> None:
    """A listener is seen."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        assert not is_free(held.getsockname()[1])


def test_a_port_taken_at_the_last_moment_costs_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target is started again on another port, and the load is told."""
    target, folder = load_target(str(REFERENCE_TARGET))
    options = GateOptions(
        target=target,
        folder=folder,
        topology=load_topology("slack"),
        suites=[("failover", load_suite("failover"))],
        only=["region-5xx"],
    )
    plan = make_plan(options)
    with socket.create_server(("127.0.0.1", 0)) as held:
        taken = held.getsockname()[1]
        monkeypatch.setattr(fixtures.real, "free_port", lambda *names: free_port(*names) if names[-1] else taken)

        async def up_and_down() -> tuple[str, str]:
            run = RunDir(tmp_path)
            stage = RealStage(plan, plan.tests[0], target, folder, run, Journal(run.file("telemetry.jsonl")).write)
            try:
                await stage.up()
                assert stage._launched is not None
                return stage._launched.url, stage._load_path.read_text()
            finally:
                await stage.close()

        url, told = asyncio.run(up_and_down())

    assert url.rsplit(":", 1)[1] != str(taken)
    assert url in told
