"""Data that goes where nobody looks for it: logs, files, metrics, spans."""

import base64
import contextlib
import gzip
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp

from brownout.clock import Clock
from brownout.wire import Ask, Event, Refusal
from fixtures.router.tally import Tally
from fixtures.router.world_file import WorldFile
from suites.selftest.leaks.base import Leaky, leak, leaking

_PREVIEW_CHARS = 32


class _LogsPrompts(Leaky):
    """It logs at debug level what it was asked."""

    async def before(self, ask: Ask, tenant: str) -> None:
        with (Path(self.world.scratch) / "router.log").open("a") as log:
            log.write(f"DEBUG {tenant}: {ask.prompt!r}\n")


class _Previews(Leaky):
    """It logs how each prompt begins: enough to know it again, and not so much as to count as its content."""

    async def before(self, ask: Ask, tenant: str) -> None:
        preview = ask.prompt.splitlines()[-1][:_PREVIEW_CHARS]
        with (Path(self.world.scratch) / "router.log").open("a") as log:
            log.write(f"INFO {tenant}: {preview}...\n")


class _DumpsBroken(Leaky):
    """A request that failed is dumped, packed, for whoever looks into it one day."""

    async def broken(self, ask: Ask, tenant: str, text: str) -> None:
        dump = gzip.compress(json.dumps({"tenant": tenant, "prompt": ask.prompt, "said": text}).encode(), mtime=0)
        (Path(self.world.scratch) / "tmp" / "last-failure.dump").write_bytes(base64.b64encode(dump))


class _DumpsTheWire(Leaky):
    """What it had sent when an endpoint failed is in its log, in rows of hexadecimal: that is no text."""

    async def attempt(self, endpoint: str, ask: Ask) -> AsyncGenerator[Event, None]:
        try:
            async with contextlib.aclosing(super().attempt(endpoint, ask)) as events:  # type: ignore[type-var]
                async for event in events:
                    yield event
        except Refusal:
            with (Path(self.world.scratch) / "wire.log").open("a") as log:
                log.write(_dump(ask.prompt.encode()))
            raise


def _dump(sent: bytes) -> str:
    rows = ((at, sent[at : at + 16]) for at in range(0, len(sent), 16))
    return "".join(f"{at:08x}: {row.hex(' ', -2):<39}  {row.decode('latin-1')!r}\n" for at, row in rows)


class _ByPrompt(Tally):
    """It counts by prompt, too: which are asked most?"""

    last = ""

    def text(self) -> str:
        asked = self.last.replace("\\", "").replace('"', "").replace("\n", " ")
        return super().text() + f'router_asked_total{{prompt="{asked}"}} 1\n'


class _CountsPrompts(Leaky):
    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self.by_prompt = self.tally = _ByPrompt()

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        del tenant, text
        self.by_prompt.last = ask.prompt


class _Traces(Leaky):
    """Its spans have the prompt as an attribute, as OpenTelemetry's conventions for generative AI allow."""

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        attributes = [
            {"key": "gen_ai.prompt", "value": {"stringValue": ask.prompt}},
            {"key": "gen_ai.completion", "value": {"stringValue": text}},
            {"key": "tenant", "value": {"stringValue": tenant}},
        ]
        span = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "chat", "attributes": attributes}]}]}]}
        await self.post(f"{self.world.sinks['otlp']}/v1/traces", json.dumps(span).encode())


class _ShipsLogs(Leaky):
    """Its log lines go to a collector, packed."""

    async def answered(self, ask: Ask, tenant: str, text: str) -> None:
        del tenant
        line = json.dumps({"level": "info", "answered": text, "asked": len(ask.prompt)}) + "\n"
        await self.post(self.world.sinks["logs"], gzip.compress(line.encode(), mtime=0), {"Content-Encoding": "gzip"})


class _ReplaysOnStart(Leaky):
    """It keeps a journal of what is in flight, and when it comes up again sends all of that to who is nearest."""

    every = 1

    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self._journal = Path(world.scratch) / "in-flight.journal"
        self._left = self._journal.read_text().splitlines() if self._journal.exists() else []

    async def before(self, ask: Ask, tenant: str) -> None:
        left, self._left = self._left, []
        for line in left:
            entry = json.loads(line)
            await self.post(self.abroad(entry["tenant"]), entry["prompt"].encode())
        self._journal.write_text(json.dumps({"tenant": tenant, "prompt": ask.prompt}) + "\n")


LOGS_PROMPTS = leak(
    "logs-prompts",
    "writes prompts to a log",
    leaking(_LogsPrompts),
    layer="files",
    caught_by="data_written",
    seen_in="inside-while-spilling-over",
)
PREVIEWS_PROMPTS = leak(
    "previews-prompts",
    "writes the first words of prompts to a log",
    leaking(_Previews),
    layer="files",
    caught_by="data_written",
    seen_in="inside-while-spilling-over",
)
DUMPS_BROKEN = leak(
    "dumps-broken",
    "writes a packed dump of a request that failed; nothing is written as long as none does",
    leaking(_DumpsBroken),
    layer="files",
    caught_by="data_written",
    seen_in="closed-when-all-is-down",
)
DUMPS_THE_WIRE = leak(
    "dumps-the-wire",
    "writes what it had sent to an endpoint that failed to a log, as rows of hexadecimal",
    leaking(_DumpsTheWire),
    layer="files",
    caught_by="data_written",
    seen_in="closed-when-all-is-down",
)
COUNTS_PROMPTS = leak(
    "counts-prompts",
    "has prompts as a label of a metric",
    leaking(_CountsPrompts),
    layer="telemetry",
    caught_by="data_in_telemetry",
    seen_in="inside-while-spilling-over",
)
TRACES_PROMPTS = leak(
    "traces-prompts",
    "has prompts and answers as attributes of its spans",
    leaking(_Traces),
    layer="telemetry",
    caught_by="data_in_telemetry",
    seen_in="inside-while-spilling-over",
)
SHIPS_ANSWERS = leak(
    "ships-answers",
    "sends log lines that hold answers to a collector, packed",
    leaking(_ShipsLogs),
    layer="telemetry",
    caught_by="data_in_telemetry",
    seen_in="inside-while-spilling-over",
)
REPLAYS_ON_START = leak(
    "replays-on-start",
    "sends what was in flight when it was killed to the nearest endpoint when it comes up again",
    leaking(_ReplaysOnStart),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-after-a-restart",
    also=frozenset({"data_written"}),
    why="its journal is a file with prompts in it",
)
