"""What the fault plane costs when no fault is on: the same server, asked directly and through it, side by side.

    make bench-plane         (or: python -m bench.plane [--rounds 5])

The server is a bare HTTP handler whose replies were made long before, so that nothing but the way there differs. The
embedded plane runs in a process of its own, on the loop that worlds run on (in a run it shares the world's); a real
Toxiproxy is measured too where ``TOXIPROXY_URL`` names one. Rounds are interleaved; each figure is the median of its
rounds. The ratios are what is claimed, not the figures.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import uvloop
from rich.console import Console
from rich.table import Table

from bench.cloud import _chat, _server
from bench.hammer import hammer, streams_at_once
from brownout.clock import monotonic_s

ROUNDS, SMALL_REQUESTS, NEW_CONNECTIONS, STREAMS, BUSY, BUSY_S = 9, 400, 200, 20, 16, 1.0
_PROXY = "bench-plane"


@dataclass(frozen=True)
class Way:
    """One way to the server."""

    name: str
    port: int
    bulk_port: int


Figures = dict[str, float]


def _ms(took_s: list[float], share: float) -> float:
    ranks = sorted(took_s)
    return ranks[min(int(len(ranks) * share), len(ranks) - 1)] * 1000


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> float:
    """Send a request and read its whole reply; return how long that took."""
    began_s = monotonic_s()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return monotonic_s() - began_s


async def _kept_alive(way: Way) -> Figures:
    """Ask again and again over one connection."""
    request = _chat("hello", stream=False, max_tokens=16, key="none", port=way.port)
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    took_s = [await _asked(reader, writer, request) for _ in range(SMALL_REQUESTS)]
    writer.close()
    return {"kept alive, p50 ms": _ms(took_s, 0.5), "kept alive, p99 ms": _ms(took_s, 0.99)}


async def _new_connections(way: Way) -> Figures:
    """Ask over a connection of its own each time; opening it counts."""
    request = _chat("hello", stream=False, max_tokens=16, key="none", port=way.port)
    took_s = []
    for _ in range(NEW_CONNECTIONS):
        began_s = monotonic_s()
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        await _asked(reader, writer, request)
        took_s.append(monotonic_s() - began_s)
        writer.close()
    return {"new connection, p50 ms": _ms(took_s, 0.5), "new connection, p99 ms": _ms(took_s, 0.99)}


async def _streamed(way: Way) -> Figures:
    """Read paced streams: when the first token comes, and what lies between tokens."""
    request = _chat("pace", stream=True, max_tokens=16, key="none", port=way.port)
    count = await streams_at_once(way.port, request, streams=STREAMS, spread_s=0.4, marker=b'"content":"')
    first = [tokens_s[0] - sent_s for sent_s, *tokens_s in count.arrivals_s]
    between = [later - sooner for _, *tokens_s in count.arrivals_s for sooner, later in itertools.pairwise(tokens_s)]
    return {
        "first token, p50 ms": _ms(first, 0.5),
        "first token, p99 ms": _ms(first, 0.99),
        "between tokens, p50 ms": _ms(between, 0.5),
        "between tokens, p99 ms": _ms(between, 0.99),
    }


async def _busy(way: Way) -> Figures:
    """Keep some connections busy with small requests."""
    request = _chat("hello", stream=False, max_tokens=16, key="none", port=way.port)
    count = await hammer(way.port, request, connections=BUSY, for_s=BUSY_S, marker=b'"content":"')
    return {"requests/s": count.replies / count.lasted_s}


async def _bulk(way: Way) -> Figures:
    """Read one long reply."""
    began_s = monotonic_s()
    reader, writer = await asyncio.open_connection("127.0.0.1", way.bulk_port)
    got = 0
    while data := await reader.read(1 << 18):
        got += len(data)
    writer.close()
    return {"MB/s": got / 1e6 / (monotonic_s() - began_s)}


MEASURES: tuple[Callable[[Way], Coroutine[Any, Any, Figures]], ...] = (
    _kept_alive,
    _new_connections,
    _streamed,
    _busy,
    _bulk,
)


@contextlib.contextmanager
def _embedded() -> Iterator[str]:
    """Run the embedded Toxiproxy in a process of its own; yield its URL."""
    command = [sys.executable, "-m", "faults.network.api", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextlib.contextmanager
def _proxied(name: str, url: str, direct: Way) -> Iterator[Way]:
    """Put proxies of a Toxiproxy before the server, and take them away again."""
    made = []
    session = requests.Session()
    session.trust_env = False
    try:
        ports = []
        for number, port in enumerate((direct.port, direct.bulk_port)):
            proxy = {"name": f"{_PROXY}-{number}", "upstream": f"127.0.0.1:{port}", "listen": "127.0.0.1:0"}
            reply = session.post(f"{url}/proxies", json=proxy, timeout=5)
            reply.raise_for_status()
            made.append(proxy["name"])
            ports.append(int(reply.json()["listen"].rpartition(":")[2]))
        yield Way(name, *ports)
    finally:
        for proxy_name in made:
            session.delete(f"{url}/proxies/{proxy_name}", timeout=5)


def _print(seen: Mapping[str, list[Figures]], rounds: int, console: Console) -> None:
    table = Table(title=f"the plane without a fault: medians of {rounds} rounds, and ratios to the direct way")
    table.add_column("")
    names = list(seen)
    for name in names:
        table.add_column(name, justify="right")
        if name != names[0]:
            table.add_column("added", justify="right")
            table.add_column("ratio", justify="right")
    for measure in seen[names[0]][0]:
        medians = [statistics.median(one[measure] for one in seen[name]) for name in names]
        cells = [f"{medians[0]:,.2f}"]
        for one in medians[1:]:
            added = f"{one - medians[0]:+.2f}" if measure.endswith("ms") else ""
            cells += [f"{one:,.2f}", added, f"{one / medians[0]:.2f}x"]
        table.add_row(measure, *cells)
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.plane", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    told = parser.parse_args()
    console = Console()
    real = os.environ.get("TOXIPROXY_URL", "").rstrip("/")
    with contextlib.ExitStack() as stack:
        _, facts = stack.enter_context(_server("bare"))
        direct = Way("direct", facts["ports"]["bare"], facts["ports"]["bulk"])
        ways = [direct, stack.enter_context(_proxied("embedded", stack.enter_context(_embedded()), direct))]
        if real:
            ways.append(stack.enter_context(_proxied("real Toxiproxy", real, direct)))
        seen: dict[str, list[Figures]] = {way.name: [] for way in ways}
        with console.status("the plane without a fault"):
            for _ in range(told.rounds):
                for way in ways:
                    figures: Figures = {}
                    for measure in MEASURES:
                        figures |= uvloop.run(measure(way))
                    seen[way.name].append(figures)
        _print(seen, told.rounds, console)
    if not real:
        console.print("TOXIPROXY_URL is not set: no real Toxiproxy was measured.")


if __name__ == "__main__":
    main()
