"""The real stage, its target sealed: promises are kept as ever, ledgers are complete, and leaks are on record."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from brownout.canary import CanaryMint, run_key
from brownout.egress import EgressRecord, LayerRecord, grade_of
from brownout.evidence import read_records
from brownout.rundir import RunDir
from brownout.target import Target, load_target
from fixtures.catalogue import REFERENCE_TARGET
from fixtures.gate import make_plan
from fixtures.journals import Journals
from fixtures.plugin import play_scenario
from fixtures.real import RealStage
from fixtures.sealed.addresses import HONEYPOT
from fixtures.sealed.choice import Sealed
from fixtures.suites import load_suite
from tests.options import reference_options
from tests.sealed.sealing import need_seal

SEALED = Sealed(yes=True)
SEALED_LAYERS = ("flows", "names", "files")
TLS_TARGET = REFERENCE_TARGET.with_name("reference-tls.yaml")
HOME_CALLER = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller: caller.sendto(b"started", ("192.0.2.1", 8125))
try: socket.getaddrinfo("telemetry.example.com", 443)
except OSError: pass
open("started", "w").write("here")
from fixtures.router.__main__ import main
main()
"""


TELLS_HOME = """
import socket, ssl, sys, urllib.request
for url in ("https://telemetry.example.com/v1/spans", "http://collector.example.com:4318/v1/logs"):
    with urllib.request.urlopen(url, data=sys.argv.pop(1).encode(), timeout=5) as reply: assert reply.read() == b"{}"
with socket.create_connection(("statsd.example.com", 4317), 5) as raw: raw.sendall(sys.argv.pop(1).encode())
from fixtures.router.__main__ import main
main()
"""


def egress(run: Path) -> list[EgressRecord]:
    """Return what is on record."""
    return read_records(run / "egress.jsonl", EgressRecord)


def spoken(run: Path) -> list[LayerRecord]:
    """Return what the layers have said of themselves."""
    return read_records(run / "layers.jsonl", LayerRecord)


def layers(run: Path) -> dict[str, bool]:
    """Return which layers have spoken, and whether each was complete."""
    return {one.layer: one.complete for one in spoken(run)}


def raised(target: Target, folder: Path, out: Path, sealed: Sealed = SEALED) -> Path:
    """Raise a stage with its target sealed, take it down, and return its run's folder."""
    plan = make_plan(reference_options(target=target, folder=folder, only=["region-5xx"], profile="smoke"))
    out.mkdir()
    run = RunDir(out)
    run.write_plan(plan)

    async def play() -> None:
        journals = Journals(run)
        stage = RealStage(plan, plan.tests[0], target, folder, run, journals["telemetry"].write, sealed=sealed)
        try:
            await stage.up()
        finally:
            await stage.close()
            journals.close()

    asyncio.run(play())
    return run.path


def test_a_router_that_calls_home_when_it_starts_is_on_record(tmp_path: Path) -> None:
    """By packet and by name, though it is ready as ever; and what it has written is kept."""
    need_seal()
    target, folder = load_target(str(REFERENCE_TARGET))
    assert target.start is not None
    caller = tmp_path / "caller.py"
    caller.write_text(HOME_CALLER)
    words = ["{python}", str(caller), *target.start.command[3:]]
    start = msgspec.structs.replace(target.start, command=words)

    run = raised(msgspec.structs.replace(target, start=start), folder, tmp_path / "run")

    denied = {(one.layer, one.place) for one in egress(run) if one.denied}
    assert {("flows", "192.0.2.1:8125/udp"), ("names", "telemetry.example.com")} == denied
    assert {"flows": True, "names": True, "files": True} == {name: layers(run)[name] for name in SEALED_LAYERS}
    assert "here" == (run / "region-5xx" / "target" / "started").read_text()


def test_a_honeypot_takes_what_was_to_leave_and_shows_whose_it_was(tmp_path: Path) -> None:
    """Over TLS, which trusts it, over plain HTTP, and over what is no HTTP at all."""
    need_seal()
    target, folder = load_target(str(REFERENCE_TARGET))
    assert target.start is not None
    teller = tmp_path / "teller.py"
    teller.write_text(TELLS_HOME)
    mint = CanaryMint(run_key(1), list(reference_options().topology.tenants))
    secrets = [f"secret {mint.value('acme', number)} told" for number in range(3)]
    words = ["{python}", str(teller), *secrets, *target.start.command[3:]]
    start = msgspec.structs.replace(target.start, command=words)

    run = raised(
        msgspec.structs.replace(target, start=start), folder, tmp_path / "run", Sealed(yes=True, honeypot=True)
    )

    caught = {(one.place, one.canary) for one in egress(run) if one.layer == "plaintext" and one.canary}
    assert caught == {
        ("honeypot as telemetry.example.com:443", "acme-0"),
        ("honeypot as collector.example.com:4318", "acme-1"),
        ("honeypot:4317", "acme-2"),
    }
    flows = {one.place for one in egress(run) if one.layer == "flows" and one.denied}
    assert flows == {f"{HONEYPOT}:{port}/tcp" for port in (443, 4318, 4317)}


def test_a_target_that_cannot_start_sealed_says_so_in_its_log(tmp_path: Path) -> None:
    """As when it is not sealed."""
    need_seal()
    target, folder = load_target(str(REFERENCE_TARGET))
    assert target.start is not None
    start = msgspec.structs.replace(target.start, command=["{python}", "-c", "raise SystemExit('no licence')"])

    with pytest.raises(Exception, match="no licence"):
        raised(msgspec.structs.replace(target, start=start), folder, tmp_path / "run")


@pytest.mark.real_time
def test_a_sealed_router_keeps_its_promises_and_that_is_enforced(tmp_path: Path) -> None:
    """Over TLS, by production's own host names, while a region fails in four ways; every packet is on record."""
    need_seal()
    target, folder = load_target(str(TLS_TARGET))
    options = reference_options(
        target=target,
        folder=folder,
        suites=[("boundary", load_suite("boundary"))],
        only=["inside-while-failing-over"],
        profile="smoke",
        out=tmp_path,
    )

    played = play_scenario(options, seal="on")

    played.must_hold()
    assert ("enforced", "") == grade_of(spoken(played.folder))
    assert [] == [one for one in egress(played.folder) if one.denied]
    assert "bedrock-runtime.us-east-1.amazonaws.com:443/tcp" in {one.place for one in egress(played.folder)}
