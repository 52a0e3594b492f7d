"""Where a toxic acts it is counted, connection by connection; where it does not, it is not."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

import pytest

from brownout.virtual import run_virtual
from faults.network.client import ToxiproxyPlane
from faults.network.embedded import EmbeddedPlane
from faults.network.proxy import Proxy
from fixtures.grip import Grip, LinkUse
from tests.threads import answering
from tests.toxiproxy.linked import ask, proxied, restore

Work = Callable[[EmbeddedPlane, Any, Proxy], Awaitable[int]]

ACTING = [
    ("latency", {"latency": 100}),
    ("bandwidth", {"rate": 1}),
    ("slow_close", {"delay": 100}),
    ("timeout", {"timeout": 100}),
    ("reset_peer", {}),
    ("slicer", {"average_size": 2}),
    ("limit_data", {"bytes": 3}),
]
IDLE = [
    ("noop", {}),
    ("latency", {}),
    ("slicer", {"average_size": 100}),
    ("slow_close", {}),
    ("limit_data", {"bytes": 100}),
]


async def _ask(link: Any) -> None:
    with contextlib.suppress(ConnectionResetError):
        await ask(link, [b"hello"])


def _counted(work: Work) -> int:
    return run_virtual(proxied(work))


@pytest.mark.parametrize(("kind", "attributes"), ACTING)
def test_a_connection_that_a_toxic_acts_on_is_counted_once(kind: str, attributes: dict[str, int]) -> None:
    """Two connections, several chunks: two."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> int:
        name = await link.add_toxic(kind, attributes)
        assert 0 == await link.acted([name])
        await _ask(link)
        await _ask(link)
        return int(await link.acted([name]))

    assert 2 == _counted(work)


@pytest.mark.parametrize(("kind", "attributes"), IDLE)
def test_a_toxic_that_changes_nothing_counts_nothing(kind: str, attributes: dict[str, int]) -> None:
    """Bytes that pass as they came were not acted on."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> int:
        name = await link.add_toxic(kind, attributes)
        assert b"hello" == await ask(link, [b"hello"])
        return int(await link.acted([name]))

    assert 0 == _counted(work)


def test_connections_that_the_draw_spares_are_not_counted() -> None:
    """The count is of the connections that were cut short, not of those that came."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> int:
        name = await link.add_toxic("limit_data", {"bytes": 1}, toxicity=0.4)
        short = [len(await ask(link, [b"hello"])) for _ in range(40)].count(1)
        assert 0 < short < 40
        return short - int(await link.acted([name]))

    assert 0 == _counted(work)


def test_a_live_connection_without_bytes_is_not_counted() -> None:
    """A toxic on an idle connection has done nothing yet; its removal may close it, and that is something."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> int:
        reader, writer = await asyncio.open_connection(link.host, link.port)
        writer.write(b"a")
        await reader.readexactly(1)
        name = await link.add_toxic("timeout", {})
        await asyncio.sleep(5)
        assert 0 == await link.acted([name])
        await restore(link)
        assert b"" == await reader.read()
        writer.close()
        return int(await link.acted([name]))

    assert 1 == _counted(work)


def test_two_toxics_on_one_connection_are_one_connection() -> None:
    """And the count outlasts the toxics."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> int:
        names = [await link.add_toxic("latency", {"latency": 10}, stream=way) for way in ("upstream", "downstream")]
        await _ask(link)
        await restore(link)
        await _ask(link)
        return int(await link.acted(names))

    assert 1 == _counted(work)


def test_the_live_connections_that_a_disabled_link_closes_are_counted_for_who_disabled_it() -> None:
    """Who comes second closed none."""

    async def work(_: EmbeddedPlane, link: Any, __: Proxy) -> int:
        open_ones = [await asyncio.open_connection(link.host, link.port) for _ in range(3)]
        await asyncio.sleep(0.1)
        use = LinkUse(link)
        first, second = Grip(use, "first", 1.0), Grip(use, "second", 1.0)
        await first.disable()
        await second.disable()
        for _, writer in open_ones:
            writer.close()
        assert 0 == await second.acted()
        return await first.acted()

    assert 3 == _counted(work)


def test_the_extra_path_tells_it_over_http(proxied: Any) -> None:
    """By the connections' numbers; a server without the path answers 404, as for any path that is none."""
    proxied.add("limit_data", bytes=2)
    with proxied.dial() as sock:
        sock.sendall(b"abcd")
        assert b"ab" == sock.recv(4)
        assert b"" == sock.recv(1)
    said = proxied.api.call("GET", "/brownout/acted/p")
    if proxied.api.real:
        assert (404, "404 page not found") == (said.status_code, said.text.strip())
        return
    assert {"toxics": {"limit_data": [0]}, "cut": []} == said.json()
    assert {"p": said.json()} == proxied.api.ok("GET", "/brownout/acted")
    assert 405 == proxied.api.call("POST", "/brownout/acted/p").status_code
    missing = proxied.api.call("GET", "/brownout/acted/none")
    assert (404, "proxy not found") == (missing.status_code, json.loads(missing.text)["error"])


def test_the_client_counts_where_the_server_can_tell(api: Any, echo_port: int) -> None:
    """Toxics and cuts; 0 from a server that cannot."""

    async def scenario() -> tuple[int, int]:
        plane = ToxiproxyPlane(api.url, "run")
        try:
            link = await plane.add("a", "127.0.0.1", echo_port)
            name = await link.add_toxic("limit_data", {"bytes": 3})
            reader, writer = await asyncio.open_connection(link.host, link.port)
            writer.write(b"hello")
            assert b"hel" == await reader.read()
            writer.close()
            reader, writer = await asyncio.open_connection(link.host, link.port)
            writer.write(b"ab")
            assert b"ab" == await reader.readexactly(2)
            await link.disable()
            writer.close()
            return await link.acted([name]), await link.acted([name], cut=True)
        finally:
            await plane.close()

    assert ((0, 0) if api.real else (1, 2)) == asyncio.run(scenario())


class _Elsewhere(BaseHTTPRequestHandler):
    """A Toxiproxy without the extra path."""

    asked: list[str] = []  # noqa: RUF012 - one server, one test

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self._say({"enabled": True, "upstream": "127.0.0.1:9", "name": "run-a", "listen": "127.0.0.1:1"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say({})

    def _say(self, body: object) -> None:
        known = self.path.startswith("/proxies")
        data = json.dumps({} if self.path == "/proxies" else body).encode() if known else b"404 page not found\n"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Give the URL of such a server."""
    with answering(_Elsewhere) as url:
        yield url


def test_a_server_that_cannot_tell_is_asked_once(elsewhere: str) -> None:
    """The 404 is remembered."""

    async def scenario() -> None:
        plane = ToxiproxyPlane(elsewhere, "run")
        try:
            link = await plane.add("a", "127.0.0.1", 9)
            assert [0, 0] == [await link.acted(["x"]), await link.acted(["x"], cut=True)]
        finally:
            await plane.close()

    asyncio.run(scenario())
    assert 1 == _Elsewhere.asked.count("/brownout/acted")


def test_a_toxic_that_is_being_added_when_its_injection_is_interrupted_is_taken_off_too() -> None:
    """However the interruption falls, the grip knows the toxic's name."""

    class Slow:
        """A link whose server takes a while."""

        def __init__(self, link: Any) -> None:
            self._link = link
            self.endpoint, self.host, self.port = link.endpoint, link.host, link.port

        async def add_toxic(self, *args: Any, **kwargs: Any) -> str:
            await asyncio.sleep(1)
            return str(await self._link.add_toxic(*args, **kwargs))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._link, name)

    async def work(_: EmbeddedPlane, link: Any, proxy: Proxy) -> int:
        grip = Grip(LinkUse(cast("Any", Slow(link))), "i", 1.0)
        adding = asyncio.create_task(grip.add_toxic("noop", {}))
        await asyncio.sleep(0.5)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
        assert 1 == len(proxy.toxics)
        await grip.let_go()
        assert await grip.gone()
        return len(proxy.toxics)

    assert 0 == _counted(work)
