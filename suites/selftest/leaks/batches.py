"""What a batch takes with it: its lines ask whoever is idle, its files lie about, and others may read them."""

from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from brownout.clock import Clock
from brownout.wire import HttpReply, HttpRequest, Refusal, gathered
from fixtures.router.batch_files import Files, KeptFile, Limits
from fixtures.router.batches import Batches
from fixtures.router.parts import Parts
from fixtures.router.world_file import WorldFile
from suites.selftest.leaks.base import Leaky, leak, leaking


class _AsksTheIdle(Leaky):
    """Nobody waits for a batch, so it goes where nobody else is: last in order, whoever's it is."""

    async def line(self, raw: HttpRequest, tenant: str, reply_id: str) -> HttpReply:
        idle = next(reversed(self.upstreams))
        try:
            ask = self._dialect.server.read_ask(raw)
            answer = gathered([event async for event in self.attempt(idle, ask)])
        except Refusal:
            return await super().line(raw, tenant, reply_id)
        return self._dialect.server.reply(ask, answer, reply_id=reply_id)


class _ForAll(Files):
    """An id is hard to guess, so whoever has one may have the file."""

    def of(self, tenant: str, file_id: str) -> KeptFile:
        kept = self._files.get(file_id)
        return super().of(tenant, file_id) if kept is None else kept


class _Lists(Batches):
    """It lists all the batches and files that there are, for a page that shows an operator what is going on."""

    async def answer(self, request: web.BaseRequest, tenant: str, reply_id: str) -> HttpReply:
        if request.method == "GET" and request.path in self.all():
            body = msgspec.json.encode({"object": "list", "data": self.all()[request.path]})
            return HttpReply(status=200, headers={"Content-Type": "application/json"}, body=body)
        return await super().answer(request, tenant, reply_id)

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Return everybody's, by the paths at which they are listed."""
        return {
            "/v1/batches": [job.told() for job in self._jobs.values()],
            "/v1/files": [file.told() for file in self.kept._files.values()],  # noqa: SLF001 - a leak looks where it may not
        }


class _PlaysAnyFile(Batches):
    """Whose a batch is, is looked at when it is read; whose file it is made of, never."""

    def _create(self, tenant: str, body: bytes) -> dict[str, Any]:
        wanted = msgspec.json.decode(body)
        kept = self.kept._files.get(wanted.get("input_file_id", ""))  # noqa: SLF001 - a leak looks where it may not
        if kept is not None and kept.tenant != tenant:
            copy = self.kept.keep(tenant, kept.name, kept.purpose, kept.content)
            body = msgspec.json.encode(wanted | {"input_file_id": copy.file_id})
        return super()._create(tenant, body)


class _OnDisk(Files):
    """What was handed in is spooled beside the router, and stays there."""

    def __init__(self, clock: Clock, limits: Limits, folder: Path) -> None:
        super().__init__(clock, limits)
        self._folder = folder

    def keep(self, tenant: str, name: str, purpose: str, content: bytes) -> KeptFile:
        if purpose == "batch":
            (self._folder / f"{tenant}-{name}").write_bytes(content)
        return super().keep(tenant, name, purpose, content)


class _Spools(Leaky):
    def __init__(self, world: WorldFile, *, clock: Clock, connector: aiohttp.BaseConnector) -> None:
        super().__init__(world, clock=clock, connector=connector)
        self.batches.kept = _OnDisk(clock, self.batches.limits, Path(world.scratch))


BATCHES_AT_THE_IDLE = leak(
    "batches-at-the-idle",
    "runs the lines of batches at the endpoint that nobody prefers, whoever's they are",
    leaking(_AsksTheIdle),
    layer="plaintext",
    caught_by="boundary_violations",
    seen_in="inside-in-batches",
)
BATCHES_FOR_ALL = leak(
    "batches-for-all",
    "gives a batch's files to any tenant that names them",
    Parts(batches=type("_Batches", (Batches,), {"files": _ForAll})),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="inside-in-batches",
    also=frozenset({"boundary_violations"}),
    why="whoever may have a file may make a batch of it, which is asked where its own requests may go",
)
BATCHES_ON_DISK = leak(
    "batches-on-disk",
    "keeps the files of batches in the folder it runs in",
    leaking(_Spools),
    layer="files",
    caught_by="data_written",
    seen_in="inside-in-batches",
)
LISTS_FOR_ALL = leak(
    "lists-for-all",
    "lists every tenant's batches and files to whoever asks what there is",
    Parts(batches=_Lists),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="inside-in-batches",
)
BATCHES_OF_ANY_FILE = leak(
    "batches-of-any-file",
    "lets a tenant make a batch of its own of any file that it names",
    Parts(batches=_PlaysAnyFile),
    layer="replies",
    caught_by="data_in_replies",
    seen_in="inside-in-batches",
    also=frozenset({"boundary_violations"}),
    why="what was in the file is asked where the other tenant's requests may go",
)
