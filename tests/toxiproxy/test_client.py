"""ToxiproxyPlane: names of our own, nothing passed over in silence, every change read back."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from brownout.errors import BadInput
from faults.network import client
from faults.network.client import PlaneError, ToxiproxyPlane
from tests.threads import answering
from tests.toxiproxy.linked import is_clean, restore


def test_a_plane_adds_sets_restores_and_takes_away(api: Any, echo_port: int) -> None:
    """A link's whole life, and only our proxies go with the plane."""

    async def scenario() -> None:
        api.ok("POST", "/proxies", {"name": "theirs", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"})
        plane = ToxiproxyPlane(api.url, "brownout-run-test")
        try:
            link = await plane.add("aws/us-east-1", "127.0.0.1", echo_port)
            assert {"theirs", "brownout-run-test-aws-us-east-1"} == set(api.ok("GET", "/proxies"))
            assert await is_clean(link)
            await link.add_toxic("latency", {"latency": 5}, toxicity=0.3)
            await link.add_toxic("latency", {"latency": 7}, stream="upstream")
            await link.add_toxic("latency", {"latency": 9}, stream="upstream")
            assert not await is_clean(link)
            await link.disable()
            with pytest.raises(OSError, match=r"."):
                await asyncio.open_connection(link.host, link.port)
            await restore(link)
            assert await is_clean(link)
            _, writer = await asyncio.open_connection(link.host, link.port)
            writer.close()
        finally:
            await plane.close()
        await plane.close()
        assert {"theirs"} == set(api.ok("GET", "/proxies"))

    asyncio.run(scenario())


def test_a_name_that_is_taken_is_left_alone(api: Any) -> None:
    """Another run's proxy is neither used nor deleted."""

    async def scenario() -> None:
        api.ok("POST", "/proxies", {"name": "run-a", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"})
        plane = ToxiproxyPlane(api.url, "run")
        try:
            with pytest.raises(PlaneError, match="another run has this prefix"):
                await plane.add("a", "127.0.0.1", 1)
        finally:
            await plane.close()
        assert {"run-a"} == set(api.ok("GET", "/proxies"))

    asyncio.run(scenario())


def test_errors_of_the_server_are_said(api: Any) -> None:
    """An unknown toxic, a proxy that vanished: a PlaneError with the server's words."""

    async def scenario() -> None:
        plane = ToxiproxyPlane(api.url, "run")
        try:
            link = await plane.add("a", "127.0.0.1", 9)
            with pytest.raises(PlaneError, match="invalid toxic type"):
                await link.add_toxic("nope", {})
            with pytest.raises(PlaneError, match="average_size"):
                await link.add_toxic("slicer", {})
            api.ok("DELETE", "/proxies/run-a")
            with pytest.raises(PlaneError, match="proxy not found"):
                await restore(link)
        finally:
            await plane.close()

    asyncio.run(scenario())


def test_a_second_server_in_one_process_is_refused(api: Any) -> None:
    """toxiproxy-python has one address per process; a second plane on the same server is fine."""

    async def scenario() -> None:
        first, second = ToxiproxyPlane(api.url, "one"), ToxiproxyPlane(api.url, "two")
        try:
            with pytest.raises(BadInput, match="already drives the Toxiproxy at"):
                ToxiproxyPlane("http://127.0.0.1:1", "three")
        finally:
            await first.close()
            await second.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["localhost:8474", "https://127.0.0.1:8474", "http://127.0.0.1:99999", "http://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """Said before anything is called."""
    with pytest.raises(BadInput, match="URL"):
        ToxiproxyPlane(url, "run")


class _Liar(BaseHTTPRequestHandler):
    """A Toxiproxy that says yes and does nothing; creating a proxy named 500 fails."""

    proxy: dict[str, Any] = {  # noqa: RUF012 - one server, one test
        "name": "run-a",
        "upstream": "127.0.0.1:9",
        "listen": "127.0.0.1:1",
        "enabled": True,
        "toxics": [],
    }
    known = False

    def _say(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if self.path == "/proxies":
            self._say(200, {"run-a": self.proxy} if _Liar.known else {})
        elif "toxics" in self.path:
            self._say(200, {"name": "latency_downstream_1", "attributes": {"latency": 1}, "toxicity": 1.0})
        else:
            self._say(200, self.proxy)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"run-500" in body:
            self._say(500, {"error": "listen tcp: no", "status": 500})
        else:
            self._say(200, self.proxy)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[str]:
    """Give the URL of a server that lies."""
    with answering(_Liar) as url:
        yield url


def test_what_was_not_done_is_found_by_reading_back(liar: str) -> None:
    """A yes without a deed, and a 500 that toxiproxy-python turns into a KeyError, are clear errors."""

    async def scenario() -> None:
        plane = ToxiproxyPlane(liar, "run")
        try:
            link = await plane.add("a", "127.0.0.1", 9)
            with pytest.raises(PlaneError, match="enabled was to be False, and reads back as True"):
                await link.disable()
            with pytest.raises(PlaneError, match="reads back as"):
                await link.add_toxic("latency", {"latency": 500})
            with pytest.raises(PlaneError, match=r"500: .*listen tcp: no"):
                await plane.add("500", "127.0.0.1", 9)
        finally:
            await plane.close()

    asyncio.run(scenario())


def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is an error, whatever the environment says about HTTP proxies."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:2")
    monkeypatch.setenv("no_proxy", "")

    async def scenario() -> None:
        plane = ToxiproxyPlane("http://127.0.0.1:1", "run")
        try:
            with pytest.raises(PlaneError, match=r"127.0.0.1:1: GET /proxies: no answer.*port=1\)"):
                await plane.add("a", "127.0.0.1", 9)
        finally:
            client._Claim.drop()

    asyncio.run(scenario())
