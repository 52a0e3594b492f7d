"""A Toxiproxy to test: the embedded one behind its HTTP API in a thread, and a real one where there is one."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from toxiproxy import Toxiproxy
from toxiproxy.api import APIConsumer

from faults.network.api import ControlApi
from faults.network.server import ToxiproxyServer
from tests.threads import Background


class Api:
    """The raw HTTP API."""

    def __init__(self, url: str, *, real: bool) -> None:
        self.url = url
        self.real = real
        self.session = requests.Session()
        self.session.trust_env = False

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Make one call."""
        return self.session.request(method, self.url + path, timeout=5, **options)

    def ok(self, method: str, path: str, body: object = None) -> Any:
        """Make one call that must succeed; return its JSON."""
        response = self.call(method, path, json=body)
        assert response.ok, response.text
        return response.json() if response.content else None


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    """Give a loop in a thread."""
    made = Background()
    yield made
    made.stop()


@contextmanager
def embedded(background: Background) -> Iterator[Api]:
    """Give the control API of an embedded server on a background loop."""

    async def start() -> ControlApi:
        api = ControlApi(ToxiproxyServer(seed=1))
        await api.start()
        return api

    async def stop(api: ControlApi) -> None:
        await api.stop()
        await api.toxiproxy.close()

    control = background.run(start())
    yield Api(control.url, real=False)
    background.run(stop(control))


# One skip says that no real server was there (test_real.py), not one for every test.
SERVERS = ["embedded", "real"] if os.environ.get("TOXIPROXY_URL") else ["embedded"]


@pytest.fixture(scope="session", params=SERVERS)
def toxiproxy(request: pytest.FixtureRequest, background: Background) -> Iterator[Api]:
    """Give the control API of each kind of server."""
    if request.param == "real":
        yield Api(os.environ["TOXIPROXY_URL"].rstrip("/"), real=True)
        return

    with embedded(background) as api:
        yield api


@pytest.fixture
def api(toxiproxy: Api) -> Iterator[Api]:
    """Give the API of a server without proxies."""
    yield toxiproxy
    for name in toxiproxy.ok("GET", "/proxies"):
        toxiproxy.ok("DELETE", f"/proxies/{name}")


@pytest.fixture(scope="session")
def echo_port(background: Background) -> Iterator[int]:
    """Give the port of a server that sends back what it gets, and closes at ``bye`` or at the end of the stream."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
                if data.endswith(b"bye"):
                    break
        except OSError:
            pass
        finally:
            writer.close()

    server = background.run(asyncio.start_server(echo, "127.0.0.1", 0))
    yield server.sockets[0].getsockname()[1]
    background.loop.call_soon_threadsafe(server.close)


class Proxied:
    """A proxy before the echo server, by the API."""

    def __init__(self, api: Api, upstream_port: int) -> None:
        self.api = api
        made = api.ok(
            "POST", "/proxies", {"name": "p", "upstream": f"127.0.0.1:{upstream_port}", "listen": "127.0.0.1:0"}
        )
        self.port = int(made["listen"].rpartition(":")[2])

    def dial(self) -> socket.socket:
        """Connect to the proxy."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def add(self, kind: str, *, stream: str = "downstream", toxicity: float = 1.0, **attributes: int) -> None:
        """Add a toxic named as its kind."""
        body = {"name": kind, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        self.api.ok("POST", "/proxies/p/toxics", body)

    def update(self, kind: str, **attributes: int) -> None:
        """Change the toxic named as its kind."""
        self.api.ok("POST", f"/proxies/p/toxics/{kind}", {"attributes": attributes})

    def remove(self, kind: str) -> None:
        """Take the toxic named as its kind away."""
        self.api.ok("DELETE", f"/proxies/p/toxics/{kind}")


@pytest.fixture
def proxied(api: Api, echo_port: int) -> Proxied:
    """Give a proxy before the echo server."""
    return Proxied(api, echo_port)


@pytest.fixture
def python_client(api: Any) -> Iterator[Toxiproxy]:
    """Give toxiproxy-python, set to the server under test."""
    before = APIConsumer.host, APIConsumer.port
    parts = urlsplit(api.url)
    client = Toxiproxy()
    client.update_api_consumer(parts.hostname, parts.port)
    yield client
    client.update_api_consumer(*before)
