"""How true the schedule is: when callers first and last meet a fault, against when it was due, in real time.

    make bench-timing        (or: python -m bench.timing [--rounds 3] [--only region-down,throttling])

A world stands in a process of its own; faults are put on and taken off through its control API at set instants, as a
run does it. Beside that, and knowing nothing of it, somebody asks the endpoint every 5 ms over new connections and
notes which questions were not answered as usual. What is printed is how far the first of these was sent from the
fault's start and the last from its end (one that was only held up counts by when it was let go), in ms, and what the
injector wrote itself: how late it began, and how long it took. A question takes some milliseconds, and is sent every
5 ms: no figure can be better than that.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import dns.message
import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

import faults  # noqa: F401 - registers every fault
from bench.timing_cases import CASES, NOT_TIMED, Case, topology_of_cases
from bench.watching import Question, Watcher, asking, looking_up, shaking_hands
from brownout.clock import monotonic_s, utc_now
from brownout.dialects import DIALECTS
from brownout.evidence import FaultRecord, read_records
from brownout.fault import FAULTS
from brownout.identity import sign
from brownout.placing import Placed, place
from brownout.plan import PlannedInjection
from brownout.schedule import Timing
from brownout.topology import Topology
from brownout.wire import Ask
from fixtures.child import Child, rooms_environment
from fixtures.control import ControlClient
from fixtures.world import WorldSpec
from fixtures.worldd import Raised, WorldProcess

FOR_S, LEAD_S, TAIL_S = 0.8, 0.4, 0.3
AIM_MS = 100.0
_SEED = 1
_WELL_WITHIN_S = 20.0


@dataclass
class Timed:
    """What one play of a case gave, in ms. ``None``: nothing was met."""

    first_ms: float | None
    last_ms: float | None
    on_ms: float
    on_took_ms: float
    off_ms: float
    off_took_ms: float


class Bench:
    """The world, its control API, and who watches."""

    def __init__(self, control: ControlClient, facts: Mapping[str, Any], topology: Topology, evidence: Path) -> None:
        self._control, self._facts, self._topology, self._evidence = control, facts, topology, evidence
        self._endpoints = {one["name"]: one for one in facts["endpoints"]}
        self._number = 0
        self.epoch_s = 0.0

    def question(self, case: Case) -> Question:
        """Return what is asked over and over."""
        known = self._endpoints[case.asked]
        if case.how == "handshake":
            host, port = _address(known["tls_url"])
            return shaking_hands(host, port, self._facts["ca_file"], host)
        if case.how == "name":
            query = dns.message.make_query(known["host"], "A").to_wire()
            return looking_up(self._facts["dns"]["host"], self._facts["dns"]["port"], query)
        if case.how != "reply":
            host, port = _address(self._facts["services"][case.how])
            return asking(host, port, _http("GET", "/", {}, b"", host))
        host, port = _address(known["url"])
        dialect = DIALECTS[known["dialect"]]
        stream = dialect.auth != "sigv4"  # frames of AWS's event streams bear their own checksums
        request = dialect.client.request(Ask(model=known["model"], prompt="hello " * 60, max_tokens=8, stream=stream))
        keys = known["credentials"]
        there = f"{host}:{port}"
        if dialect.auth == "sigv4":
            proof = sign(
                request, **keys, region=known["region"], service=dialect.signing_name, host=there, utc=utc_now()
            )
        else:
            proof = {"Authorization": f"Bearer {keys['api_key']}"}
        return asking(
            host, port, _http(request.method, request.path, {**request.headers, **proof}, request.body, there)
        )

    async def play(self, case: Case, watcher: Watcher) -> Timed:
        """Put the fault on and take it off on schedule, and compare with what the watcher saw."""
        self._number += 1
        start_s = monotonic_s() + LEAD_S
        end_s = start_s + FOR_S
        injection = self._injection(case)
        watching = asyncio.create_task(watcher.until(end_s + TAIL_S))
        await asyncio.sleep(start_s - monotonic_s())
        await self._control.inject(injection)
        await asyncio.sleep(end_s - monotonic_s())
        await self._control.lift(injection.id)
        await watching
        on, off = self._records(injection.id)
        met = watcher.met()
        return Timed(
            first_ms=(met[0] - start_s) * 1000 if met else None,
            last_ms=(met[1] - end_s) * 1000 if met and not case.ends else None,
            on_ms=(on.at_s + self.epoch_s - start_s) * 1000,
            on_took_ms=on.took_s * 1000,
            off_ms=(off.at_s - off.took_s + self.epoch_s - end_s) * 1000,
            off_took_ms=off.took_s * 1000,
        )

    def _injection(self, case: Case) -> PlannedInjection:
        placed = Placed(
            id=f"i{self._number}",
            fault=case.kind,
            settings=dict(case.settings),
            at=case.at,
            timing=Timing(at_s=0, for_s=FOR_S),
        )
        (injection,) = place(placed, self._topology, seed=_SEED)
        return injection

    def _records(self, injection_id: str) -> tuple[FaultRecord, FaultRecord]:
        records = cast("list[FaultRecord]", read_records(self._evidence / "faults.jsonl", FaultRecord))
        mine = {one.event: one for one in records if one.injection == injection_id}
        return mine["on"], mine["off"]


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.rpartition("/")[2].rpartition(":")
    return host, int(port)


def _http(method: str, path: str, headers: Mapping[str, str], body: bytes, host: str) -> bytes:
    given = {"Host": host, **headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _facts(raised: Raised) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(Path(raised.world).read_text()))


async def _measured(cases: list[Case], rounds: int, folder: Path, console: Console) -> dict[Case, list[Timed]]:
    topology = topology_of_cases()
    epoch_s = monotonic_s()
    told = WorldProcess(
        spec=WorldSpec(test="timing", seed=_SEED, topology=topology, folder=str(folder), epoch_s=epoch_s),
        evidence=str(folder),
        proxy_prefix="bench-timing",
    )
    spec = folder / "spec.json"
    spec.write_bytes(msgspec.json.encode(told))
    command = [sys.executable, "-m", "fixtures.worldd", str(spec)]
    world = await Child.start(command, log=folder / "world.log", env=rooms_environment())
    try:
        raised = msgspec.json.decode(await world.line(), type=Raised)
        control = ControlClient(raised.control, raised.token)
        try:
            facts = _facts(raised)
            bench = Bench(control, facts, topology, folder)
            bench.epoch_s = epoch_s
            return await _rounds(bench, cases, rounds, control, console)
        finally:
            await control.close()
    finally:
        await world.stop()


async def _rounds(
    bench: Bench, cases: list[Case], rounds: int, control: ControlClient, console: Console
) -> dict[Case, list[Timed]]:
    timed: dict[Case, list[Timed]] = {}
    for number in range(rounds):
        for case in cases:
            with console.status(f"round {number + 1}: {case.kind}"):
                watcher = Watcher(bench.question(case))
                await watcher.learn()
                timed.setdefault(case, []).append(await bench.play(case, watcher))
                if not await watcher.well_again(within_s=_WELL_WITHIN_S):
                    raise RuntimeError(f"{case.kind}: {case.asked} is not well again {_WELL_WITHIN_S:g} s later")
                await control.keep_alive()
    return timed


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    ranks = sorted(map(abs, values))
    return f"{ranks[len(ranks) // 2]:.0f} / {ranks[min(int(len(ranks) * 0.95), len(ranks) - 1)]:.0f} / {ranks[-1]:.0f}"


def _print(timed: Mapping[Case, list[Timed]], console: Console) -> bool:
    """Print every case and all together; return whether all were met within the aim."""
    title = f"how far from the schedule, in ms: p50 / p95 / max of |difference| (aim: {AIM_MS:.0f})"
    table = Table(title=title)
    for column in ("fault", "first met", "last met", "put on late by", "putting on", "taken off late by", "taking off"):
        table.add_column(column, justify="left" if column == "fault" else "right")

    def row(name: str, rows: list[Timed], ends: str = "") -> None:
        table.add_row(
            name,
            _spread([one.first_ms for one in rows if one.first_ms is not None]),
            f"({ends})" if ends else _spread([one.last_ms for one in rows if one.last_ms is not None]),
            _spread([one.on_ms for one in rows]),
            _spread([one.on_took_ms for one in rows]),
            _spread([one.off_ms for one in rows]),
            _spread([one.off_took_ms for one in rows]),
        )

    for case, rows in timed.items():
        words = " ".join(f"{name}={value}" for name, value in case.settings.items())
        row(f"{case.kind} {words} at {case.at}", rows, case.ends)
    table.add_section()
    everything = [one for rows in timed.values() for one in rows]
    row(f"all, {len(everything)} plays", everything)
    console.print(table)
    unmet = sorted({case.kind for case, rows in timed.items() if any(one.first_ms is None for one in rows)})
    if unmet:
        console.print(f"not met by anybody: {', '.join(unmet)}")
    untimed = sorted(set(FAULTS) - {case.kind for case in timed})
    reasons = {
        kind: NOT_TIMED.get(kind, "it strikes the router" if "router" in kind else "not asked for") for kind in untimed
    }
    console.print("not timed: " + "; ".join(f"{kind} ({why})" for kind, why in reasons.items()))
    ends = [one.first_ms for one in everything] + [one.last_ms for one in everything]
    return not unmet and max(abs(one) for one in ends if one is not None) <= AIM_MS


def main() -> int:
    """Measure and print; exit 1 when something was not met, or not within the aim."""
    parser = argparse.ArgumentParser(prog="bench.timing", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="kinds of faults, comma-separated")
    told = parser.parse_args()
    only = set(filter(None, told.only.split(",")))
    cases = [case for case in CASES if case.kind in FAULTS and (not only or case.kind in only)]
    console = Console(width=170)
    with tempfile.TemporaryDirectory() as folder:
        timed = uvloop.run(_measured(cases, told.rounds, Path(folder), console))
    return 0 if _print(timed, console) else 1


if __name__ == "__main__":
    sys.exit(main())
