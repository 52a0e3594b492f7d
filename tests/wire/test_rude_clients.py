"""Whatever a client sends, the cloud answers in its own words or closes the connection, and the rest is served."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing

import pytest

from brownout.answer import read_reply
from brownout.wire import HttpRequest, Refusal
from fixtures.providers.intake import Intake
from tests.wire.world import World

CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ENDPOINTS = ["own", "bedrock", "vertex"]


def _port(world: World, endpoint: str) -> tuple[str, int]:
    return world.cloud.addresses[endpoint]


def _said(world: World, endpoint: str, raw: bytes, *, end: bool = False) -> bytes:
    """Send bytes, perhaps end our half, and return all that comes until the other side closes or falls silent."""
    with closing(socket.create_connection(_port(world, endpoint), timeout=5)) as client:
        client.sendall(raw)
        if end:
            client.shutdown(socket.SHUT_WR)
        client.settimeout(2)
        heard = b""
        while True:
            try:
                piece = client.recv(65_536)
            except (TimeoutError, ConnectionResetError):
                return heard
            if not piece:
                return heard
            heard += piece
            if b"\r\n\r\n" in heard and _whole(heard):
                return heard


def _whole(heard: bytes) -> bool:
    head, _, body = heard.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(length) and len(body) >= int(length)


def _served(world: World) -> bool:
    """Ask as a polite client does, and tell whether the answer is whole."""
    prompt = f"hello {world.mint.value('acme', 9)}"
    reply = world.openai().chat.completions.create(
        model="llama-3-70b", messages=[{"role": "user", "content": prompt}], max_tokens=6
    )
    return read_reply(reply.choices[0].message.content or "", "acme-9").integrity == "whole"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS where none is spoken
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
    ids=["tls", "no-path", "version", "noise", "length", "two-lengths", "chunk-size", "header"],
)
def test_malformed_http_is_refused_and_the_rest_served(world: World, endpoint: str, raw: bytes) -> None:
    """Bytes that are no HTTP get a 400 or a closed connection, never an answer, and others are served after it."""
    heard = _said(world, endpoint, raw, end=True)
    assert heard == b"" or heard.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 4"))
    assert _served(world)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_truncated_body_is_never_answered_with_success(world: World, endpoint: str) -> None:
    """A client that promises more bytes than it sends, and ends, gets no 200."""
    heard = _said(world, endpoint, CHAT + b'Content-Length: 500\r\n\r\n{"model": "llama', end=True)
    assert not heard.startswith(b"HTTP/1.1 200")
    assert _served(world)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/plain", b"hello"), ("application/x-www-form-urlencoded", b"a=b"), ("application/json", b'{"model": ')],
)
def test_a_body_that_is_no_json_is_the_dialects_own_error(world: World, content_type: str, body: bytes) -> None:
    """What cannot be read as JSON is refused with 400 and the provider's own error body."""
    key = world.cloud.identity.credentials("own")["api_key"]
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    heard = _said(world, "own", head.encode() + body)
    assert heard.startswith(b"HTTP/1.1 400")
    assert "invalid_request_error" == json.loads(heard.partition(b"\r\n\r\n")[2])["error"]["type"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_prompt_of_forty_megabytes_is_too_large(world: World, endpoint: str, *, chunked: bool) -> None:
    """A body beyond the provider's limit is refused, at once where its length is told, and no 200 comes."""
    size = 40 * 1024 * 1024
    if chunked:
        chunk = b"%x\r\n" % 1_048_576 + b"a" * 1_048_576 + b"\r\n"
        raw = CHAT + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (size // 1_048_576) + b"0\r\n\r\n"
    else:
        raw = CHAT + b"Content-Length: %d\r\n\r\n" % size
    with closing(socket.create_connection(_port(world, endpoint), timeout=10)) as client:
        try:
            client.sendall(raw)
            heard = client.recv(65_536)
        except ConnectionError:
            heard = b""  # closed while we were still sending: the clean close
    assert heard == b"" or heard.startswith(b"HTTP/1.1 4")
    assert {"too-large"} == {record.refusal for record in world.seen()}
    assert _served(world)


def test_slow_and_idle_clients_hold_nobody_up(world: World) -> None:
    """With 1,500 idle connections and 50 that dribble their headers or bodies, others are served."""
    host, port = _port(world, "own")
    rude: list[socket.socket] = []
    try:
        for number in range(1550):
            client = socket.create_connection((host, port), timeout=5)
            rude.append(client)
            if number >= 1500:
                client.sendall(CHAT if number % 2 else CHAT + b"Content-Length: 100000\r\n\r\n{")
        assert _served(world)
    finally:
        for client in rude:
            client.close()


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_stream_to_an_old_client_ends_with_its_connection(world: World, connection: str) -> None:
    """HTTP/1.0 has no chunks: the connection is closed after a stream, though its caller would keep it open."""
    body = {"model": "llama-3-70b", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 6, "stream": True}
    key, sent = world.cloud.identity.credentials("own")["api_key"], json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    head += f"Connection: {connection}\r\nContent-Length: {len(sent)}\r\n\r\n"
    with closing(socket.create_connection(_port(world, "own"), timeout=5)) as client:
        client.sendall(head.encode() + sent)
        heard = b"".join(iter(lambda: client.recv(65_536), b""))  # which times out on a connection left open
    assert heard.startswith(b"HTTP/1.0 200")
    assert heard.endswith(b"data: [DONE]\n\n")


class _Body:
    """A request whose body comes in pieces, as `Intake` sees it."""

    can_read_body = True
    method, raw_path, headers, content_length = "POST", "/", {}, None  # type: ignore[var-annotated]

    def __init__(self, pieces: int, piece: bytes, between: Callable[[], Awaitable[None]]) -> None:
        self._pieces, self._piece, self._between = pieces, piece, between
        self.content = self

    def is_eof(self) -> bool:
        """Return False: it is on its way."""
        return False

    async def iter_any(self) -> AsyncIterator[bytes]:
        """Yield the pieces."""
        for _ in range(self._pieces):
            yield self._piece
            await self._between()


async def _no_wait() -> None:
    await asyncio.sleep(0)


def test_all_bodies_in_flight_together_have_a_bound() -> None:
    """A body for which there is no room is refused as overloaded, and its room is free again at once."""
    intake = Intake(held_bytes=1500)
    head = HttpRequest(method="POST", path="/")

    async def take() -> tuple[list[str], int]:
        first = await intake.take(_Body(9, b"a" * 100, _no_wait), head, max_body_bytes=1000)  # type: ignore[arg-type]
        outcomes = []
        for _ in range(2):
            try:
                intake.done(await intake.take(_Body(9, b"a" * 100, _no_wait), head, max_body_bytes=1000))  # type: ignore[arg-type]
                outcomes.append("taken")
            except Refusal as refusal:
                outcomes.append(refusal.kind)
            intake.done(first)
        return outcomes, len(first.body)

    assert (["overloaded", "taken"], 900) == asyncio.run(take())
