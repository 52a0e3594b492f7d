"""How fast the emulated cloud is, side by side with a bare aiohttp handler and with aimock, in one run.

    make bench-cloud        (or: python -m bench.cloud [--aimock FOLDER])

The servers share a core in turns, the client has the other. Requests a second are counted per second of the *server's*
processor time, so that what else the machine does matters little; rounds are interleaved. Ours verifies credentials,
validates, looks for canaries and writes evidence, as in a run. The ratios are what is claimed, not the figures.

Pacing: 1,000 streams at once, each token due at an instant that the model names; the error is how much later (or
sooner) than that it was emitted, by the evidence, or received, which includes the network's and the client's own delay.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvloop
from rich.console import Console
from rich.table import Table

from bench.cloud_servers import CLAUDE, MODEL, REPLY_TOKENS, STREAM_TOKENS
from bench.hammer import Count, hammer, streams_at_once
from brownout.clock import utc_now, wait_until
from brownout.dialects import DIALECTS
from brownout.evidence import ProviderRecord, read_records
from brownout.identity import sign
from brownout.wire import Ask, HttpRequest

ROUNDS, ROUND_S, CONNECTIONS = 5, 2.0, 32
_SERVERS_CORE, _CLIENTS_CORE = 0, 1
STREAMS, STREAM_SPREAD_S, PACED_TOKENS = 1000, 2.0, 120  # all are open together for some seconds
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Contender:
    """One server under one kind of request."""

    name: str
    pid: int
    port: int
    request: bytes
    marker: bytes


@dataclass
class Figures:
    """What a contender did in one round: replies and tokens, by the wall and by its processor's seconds."""

    replies_per_s: float
    replies_per_cpu_s: float
    tokens_per_cpu_s: float
    bad: int


def _pin(pid: int, core: int) -> None:
    """Keep a process (0: this one) on a core, where the machine has several and lets us."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setaffinity(pid, {core % (os.cpu_count() or 1)})


@contextlib.contextmanager
def _server(which: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run one of ours in a process of its own; yield its pid and what it said."""
    command = [sys.executable, "-m", "bench.cloud_servers", which]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdin is not None
        assert process.stdout is not None
        _pin(process.pid, _SERVERS_CORE)
        try:
            yield process.pid, json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.terminate()


@contextlib.contextmanager
def _aimock(folder: Path) -> Iterator[tuple[int, int] | None]:
    """Run aimock with one fixture for each request; yield its pid and port, or None when it is not installed."""
    program = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    node = shutil.which("node")
    if node is None or not program.exists():
        yield None
        return
    with tempfile.TemporaryDirectory() as made:
        lengths = {"stream this": STREAM_TOKENS, "hello": REPLY_TOKENS}
        fixtures = [
            {"match": {"userMessage": words}, "response": {"content": "".join(f" w{n}" for n in range(tokens))}}
            for words, tokens in lengths.items()
        ]
        (Path(made) / "bench.json").write_text(json.dumps({"fixtures": fixtures}))
        port = _free_port()
        # About as many chunks as we send tokens: four characters each, no pause between them.
        command = [node, str(program), "-p", str(port), "-f", made, "-c", "4", "--log-level", "silent"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - the rival, asked for
            _pin(process.pid, _SERVERS_CORE)
            try:
                asyncio.run(_listening(port))
                yield process.pid, port
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listening(port: int) -> None:
    async def accepts() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    if not await wait_until(accepts, within_s=20):
        raise RuntimeError("aimock did not start within 20 s")


def _chat(prompt: str, *, stream: bool, max_tokens: int, key: str, port: int) -> bytes:
    """Return an OpenAI chat request as bytes."""
    message = {"role": "user", "content": prompt}
    body: dict[str, Any] = {"model": MODEL, "messages": [message], "max_tokens": max_tokens, "stream": stream}
    raw = json.dumps(body, separators=(",", ":")).encode()
    return _bytes(
        HttpRequest(
            method="POST",
            path="/v1/chat/completions",
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
            body=raw,
        ),
        port,
    )


def _converse(prompt: str, *, stream: bool, max_tokens: int, keys: dict[str, str], port: int) -> bytes:
    """Return a signed Converse request as bytes. It may be sent again for as long as its signature holds."""
    ask = Ask(model=CLAUDE, prompt=prompt, stream=stream, max_tokens=max_tokens)
    request = DIALECTS["bedrock-converse"].client.request(ask)
    proof = sign(request, **keys, region="us-east-1", host=f"127.0.0.1:{port}", utc=utc_now())
    signed = HttpRequest(
        method=request.method, path=request.path, headers={**request.headers, **proof}, body=request.body
    )
    return _bytes(signed, port)


def _bytes(request: HttpRequest, port: int) -> bytes:
    headers = {"Host": f"127.0.0.1:{port}", **request.headers, "Content-Length": str(len(request.body))}
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


def _cpu_s(pid: int) -> float:
    """Return the processor time a process and its threads have used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _round(contender: Contender) -> Figures:
    before_s = _cpu_s(contender.pid)
    count = await hammer(
        contender.port, contender.request, connections=CONNECTIONS, for_s=ROUND_S, marker=contender.marker
    )
    spent_s = max(_cpu_s(contender.pid) - before_s, 1 / _TICKS)
    return Figures(count.replies / count.lasted_s, count.replies / spent_s, count.tokens / spent_s, count.bad)


def _compare(title: str, contenders: list[Contender], console: Console, *, streamed: bool = False) -> None:
    """Measure all in turns and print each one's medians and the ratio of ours to it."""
    rounds: dict[str, list[Figures]] = {one.name: [] for one in contenders}
    with console.status(title):
        for _ in range(ROUNDS):
            for one in contenders:
                rounds[one.name].append(uvloop.run(_round(one)))
    table = Table(title=title)
    unit = "tokens" if streamed else "requests"
    for column in ("server", "requests/s", f"{unit} per CPU-second", "ours / this", "refused or broken"):
        table.add_column(column, justify="left" if column == "server" else "right")

    def figure(name: str) -> float:
        return statistics.median(one.tokens_per_cpu_s if streamed else one.replies_per_cpu_s for one in rounds[name])

    ours = figure(contenders[0].name)
    for name, seen in rounds.items():
        wall = statistics.median(one.replies_per_s for one in seen)
        bad = sum(one.bad for one in seen)
        table.add_row(name, f"{wall:,.0f}", f"{figure(name):,.0f}", f"{ours / figure(name):.2f}x", str(bad))
    console.print(table)


def _emitted(journal: Path, limits: dict[str, float]) -> tuple[list[float], list[float]]:
    """Return how late first and last tokens went out, in ms, as the evidence has it."""
    records = cast("list[ProviderRecord]", read_records(journal, ProviderRecord))
    paced = [one for one in records if one.endpoint == "paced" and one.first_token_s is not None]
    first = [abs((one.first_token_s or 0.0) - one.arrived_s - limits["ttft_s"]) * 1000 for one in paced]
    answers_s = [limits["ttft_s"] + (one.tokens - 1) * limits["inter_token_s"] for one in paced]
    pairs = zip(paced, answers_s, strict=True)
    return first, [abs(one.end_s - one.arrived_s - answer_s) * 1000 for one, answer_s in pairs]


def _pacing(port: int, request: bytes, facts: dict[str, Any], console: Console) -> None:
    """Print how far from the model's instants the tokens of 1,000 streams were."""
    limits = facts["limits"]
    with console.status("pacing: 1,000 streams"):
        count: Count = uvloop.run(
            streams_at_once(port, request, streams=STREAMS, spread_s=STREAM_SPREAD_S, marker=b'"content":"')
        )
    first: list[float] = []
    between: list[float] = []
    for sent_s, *tokens_s in count.arrivals_s:
        # The first chunk only names the role; it goes out with the first token.
        arrived = tokens_s[1:]
        first.append(abs(arrived[0] - sent_s - limits["ttft_s"]) * 1000)
        pairs = itertools.pairwise(arrived)
        between += [abs(later - sooner - limits["inter_token_s"]) * 1000 for sooner, later in pairs]
    table = Table(title=f"pacing: {STREAMS} streams at once, {count.tokens:,} tokens, error against the model in ms")
    for column in ("", "p50", "p99", "max"):
        table.add_column(column, justify="right")
    first_out, last_out = _emitted(Path(facts["journal"]), limits)
    for name, errors in (
        ("first token, emitted", first_out),
        ("last token, emitted", last_out),
        ("first token, received", first),
        ("between tokens, received", between),
    ):
        ranks = sorted(errors)
        cells = (ranks[len(ranks) // 2], ranks[int(len(ranks) * 0.99)], ranks[-1])
        table.add_row(name, *(f"{cell:.2f}" for cell in cells))
    console.print(table)
    rate = count.tokens / count.lasted_s
    console.print(f"{len(count.arrivals_s)} of {STREAMS} streams whole, {count.bad} broken, {rate:,.0f} tokens/s")


@dataclass
class _Scene:
    """All that was started: what ours said of itself, and where everyone listens."""

    ours: int
    facts: dict[str, Any]
    bare: int
    bare_port: int
    rival: tuple[int, int] | None

    def contenders(self, words: str, *, streamed: bool, tokens: int) -> list[Contender]:
        """Return everyone, with the same request; ours come first and, on Bedrock's wire, last."""
        ports, credentials = self.facts["ports"], self.facts["credentials"]
        prompt = f"{words} {self.facts['canary']}"

        def chat(name: str, pid: int, port: int) -> Contender:
            key = credentials["openai"]["api_key"]
            request = _chat(prompt, stream=streamed, max_tokens=tokens, key=key, port=port)
            return Contender(name, pid, port, request, b'"content":"')

        bedrock = _converse(
            prompt, stream=streamed, max_tokens=tokens, keys=credentials["bedrock"], port=ports["bedrock"]
        )
        return [
            chat("ours, openai-chat", self.ours, ports["openai"]),
            chat("bare aiohttp", self.bare, self.bare_port),
            *([chat("aimock, openai", *self.rival)] if self.rival else []),
            Contender("ours, bedrock-converse", self.ours, ports["bedrock"], bedrock, b'"delta":{"text"'),
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.cloud", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--aimock", type=Path, default=Path(".targets/aimock"), help="where npm installed it")
    parser.add_argument("--only", choices=("whole", "streamed", "pacing"), help="one of the three measurements")
    told = parser.parse_args()
    _pin(0, _CLIENTS_CORE)
    gc.disable()  # the client's own pauses would be measured as the server's
    console = Console()
    with _server("ours") as (ours, facts), _server("bare") as (bare, bare_facts), _aimock(told.aimock) as rival:
        scene = _Scene(ours, facts, bare, bare_facts["ports"]["bare"], rival)
        if told.only in {None, "whole"}:
            title = f"whole, {REPLY_TOKENS} tokens a reply"
            _compare(title, scene.contenders("hello", streamed=False, tokens=REPLY_TOKENS), console)
        if told.only in {None, "streamed"}:
            title = f"streamed, {STREAM_TOKENS} tokens a reply"
            contenders = scene.contenders("stream this", streamed=True, tokens=STREAM_TOKENS)
            _compare(title, contenders, console, streamed=True)
        if not rival:
            console.print(f"aimock is not installed in {told.aimock}: not compared.")
        if told.only in {None, "pacing"}:
            key, port = facts["credentials"]["paced"]["api_key"], facts["ports"]["paced"]
            request = _chat(f"pace {facts['canary']}", stream=True, max_tokens=PACED_TOKENS, key=key, port=port)
            _pacing(port, request, facts, console)


if __name__ == "__main__":
    main()
