"""Batches of a front of a test's own, served in virtual time, and a client for them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import aiohttp
import msgspec
from aiohttp import web

from brownout.clock import LoopClock
from brownout.dialects.openai_errors import error_reply
from brownout.virtual import VirtualConnector, run_virtual
from brownout.wire import HttpReply, HttpRequest, Refusal
from fixtures.router.batch_files import Limits
from fixtures.router.batches import Batches
from fixtures.router.front import as_response

ENDPOINT = "/v1/chat/completions"
TENANTS = ("acme", "globex")
Returned = TypeVar("Returned")
Answer = Callable[[HttpRequest], Awaitable[HttpReply]]


def line(custom_id: str, **body: Any) -> dict[str, Any]:
    """Return a line of a file."""
    return {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": {"model": "m", "ask": custom_id, **body}}


def jsonl(*custom_ids: str) -> bytes:
    """Return a file of such lines."""
    return b"".join(json.dumps(line(one)).encode() + b"\n" for one in custom_ids)


async def served(raw: HttpRequest) -> HttpReply:
    """Answer at once."""
    return HttpReply(status=200, body=json.dumps({"answer": _ask_in(raw)}).encode())


def _ask_in(raw: HttpRequest) -> str:
    return str(json.loads(raw.body).get("ask", ""))


class Front:
    """Answers lines as a test would have it, and remembers who asked what, and how many at a time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []
        self.ended: list[tuple[str, str]] = []
        self.under_way = self.most = 0

    async def line(self, raw: HttpRequest, tenant: str, reply_id: str) -> HttpReply:
        """Answer."""
        del reply_id
        self.asked.append((tenant, _ask_in(raw)))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self.answer(raw)
        finally:
            self.under_way -= 1

    def refused(self, refusal: Refusal, reply_id: str) -> HttpReply:
        """Tell as OpenAI would."""
        return error_reply(refusal, reply_id=reply_id)

    def counted(self, outcome: str, kind: str = "") -> None:
        """Remember it."""
        self.ended.append((outcome, kind))


class Client:
    """A tenant's client of the Batch API."""

    def __init__(self, session: aiohttp.ClientSession, url: str, tenant: str = "acme") -> None:
        self._session, self._url, self.tenant = session, url, tenant

    def as_(self, tenant: str) -> "Client":
        """Return the client of another tenant."""
        return Client(self._session, self._url, tenant)

    async def send(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        """Send a request; return the status of the answer, and its body."""
        headers = {"x-tenant": self.tenant, **more.pop("headers", {})}
        async with self._session.request(method, self._url + path, headers=headers, **more) as reply:
            return reply.status, await reply.read()

    async def told(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Send a request; return what it was answered with, which has to be 200."""
        status, body = await self.send(method, path, **more)
        assert 200 == status, body
        told: dict[str, Any] = json.loads(body)
        return told

    async def upload(self, content: bytes) -> str:
        """Upload a file; return its id."""
        form = aiohttp.FormData({"purpose": "batch"})
        form.add_field("file", content, filename="asks.jsonl")
        made = await self.told("POST", "/v1/files", data=form)
        assert (len(content), "file", "asks.jsonl") == (made["bytes"], made["object"], made["filename"])
        return str(made["id"])

    async def create(self, file_id: str, **changes: Any) -> dict[str, Any]:
        """Make a batch of a file."""
        wanted = {"input_file_id": file_id, "endpoint": ENDPOINT, "completion_window": "24h"} | changes
        return await self.told("POST", "/v1/batches", json=wanted)

    async def hand_in(self, *custom_ids: str) -> str:
        """Upload a file and make a batch of it; return the batch's id."""
        return str((await self.create(await self.upload(jsonl(*custom_ids))))["id"])

    async def ended(self, batch_id: str, *, within_s: float = 120.0) -> dict[str, Any]:
        """Wait for a batch to end."""
        async with asyncio.timeout(within_s):
            while True:
                batch = await self.told("GET", f"/v1/batches/{batch_id}")
                if batch["status"] in {"completed", "failed", "expired", "cancelled"}:
                    return batch
                await asyncio.sleep(0.5)

    async def lines(self, file_id: str | None) -> dict[str, dict[str, Any]]:
        """Return a file's lines by their ids; none where there is no file."""
        if file_id is None:
            return {}
        status, body = await self.send("GET", f"/v1/files/{file_id}/content")
        assert 200 == status, body
        return {one["custom_id"]: one for one in map(json.loads, body.splitlines())}


@contextlib.asynccontextmanager
async def serving(answer: Answer = served, **limits: Any) -> AsyncIterator[tuple[str, Front]]:
    """Serve batches at a port of the running loop; give its address, and the front.

    Args:
        answer: how lines are answered.
        limits: those that are not the usual.
    """
    kind = type("_Batches", (Batches,), {"limits": msgspec.structs.replace(Limits(), **limits)})
    front = Front(answer)
    batches: Batches = kind(front, TENANTS, clock=LoopClock())

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return as_response(await batches.answer(request, request.headers.get("x-tenant", ""), "r"))

    listener = await asyncio.get_running_loop().create_server(web.Server(handle), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", front
    finally:
        listener.close()
        await batches.close()


def with_batches(
    play: Callable[[Client, Front], Awaitable[Returned]], answer: Answer = served, **limits: Any
) -> Returned:
    """Play a client's part in virtual time, and return what it returns; see `serving`."""

    async def main() -> Returned:
        async with (
            serving(answer, **limits) as (url, front),
            aiohttp.ClientSession(connector=VirtualConnector()) as session,
        ):
            return await play(Client(session, url), front)

    return run_virtual(main())


def one_after_another(*replies: HttpReply | Refusal) -> Answer:
    """Return what answers so, in turn, and then at once as it was asked."""
    left = list(replies)

    async def answer(raw: HttpRequest) -> HttpReply:
        one = left.pop(0) if left else await served(raw)
        if isinstance(one, Refusal):
            raise one
        return one

    return answer


def statuses(lines: Sequence[dict[str, Any]]) -> list[int]:
    """Return what lines were answered with."""
    return [one["response"]["status_code"] for one in lines]
