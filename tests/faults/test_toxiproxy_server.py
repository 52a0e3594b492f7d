"""Somebody's Toxiproxy: one toxic is added and exactly that one taken away, whoever does it and when."""

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from brownout.debts import SETTLERS
from brownout.errors import BadInput
from brownout.fault import make_fault
from brownout.hands import Turned
from faults.network.api import ControlApi
from faults.network.client import check_server
from faults.network.remote import RemoteError, RemoteProxy
from faults.network.server import ToxiproxyServer
from faults.toxiproxy_server import Toxiproxy
from tests.faults.owing import Owing
from tests.threads import Background, answering


class Theirs:
    """Somebody's server with a proxy that bears a toxic of its own, before an upstream that hangs up."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self.server = ToxiproxyServer(seed=1)
        self.api = ControlApi(self.server)
        background.run(self._start())

    async def _start(self) -> None:
        await self.api.start()
        self._upstream = await asyncio.start_server(_hang_up, "127.0.0.1", 0)
        port = self._upstream.sockets[0].getsockname()[1]
        self.proxy = await self.server.add_proxy("a b", f"127.0.0.1:{port}")
        self.proxy.add_toxic("noop", {}, name="theirs")

    async def _stop(self) -> None:
        await self.api.stop()
        await self.server.close()
        self._upstream.close()

    def stop(self) -> None:
        """Take it down."""
        self._background.run(self._stop())

    def fault(self, **changes: Any) -> Toxiproxy:
        """Return the fault at its proxy."""
        return Toxiproxy(url=self.api.url, proxy="a b", **changes)

    @property
    def toxics(self) -> list[str]:
        """What the proxy bears."""
        return [fitted.name for fitted in self.proxy.toxics]

    def vanish(self) -> None:
        """Somebody deletes the proxy."""
        self._background.run(self.server.remove_proxy("a b"))

    async def dial(self) -> bytes:
        """Say something through the proxy; return what comes back."""
        host, _, port = self.proxy.listen.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"hello")
        try:
            return await reader.read()
        finally:
            writer.close()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await reader.read(1):
        writer.write(b"no")
    writer.close()


@pytest.fixture
def theirs() -> Iterator[Theirs]:
    """Give somebody's server."""
    background = Background()
    made = Theirs(background)
    yield made
    made.stop()
    background.stop()


def test_it_names_what_it_reaches() -> None:
    """As ``may_inject`` does."""
    assert ["toxiproxy:http://10.0.0.5:8474/p"] == Toxiproxy(url="http://10.0.0.5:8474/", proxy="p").reaches()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"toxic": "slicer"}, "average_size must be at least 1"),
        ({"toxic": "latency", "attributes": {"delay": 3}}, "latency has no attribute 'delay'"),
        ({"toxic": "latency", "attributes": {"latency": "3"}}, "int"),
        ({"down": True, "attributes": {"latency": 3}}, "takes no attributes"),
        ({"toxic": "fire"}, "Invalid enum value"),
        ({"toxicity": 0.0}, "> 0.0"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_sent(settings: dict[str, Any], said: str) -> None:
    """While the plan is made."""
    with pytest.raises(BadInput, match=said):
        make_fault("toxiproxy", {"url": "http://127.0.0.1:1", "proxy": "p", **settings})


def test_it_adds_one_toxic_counts_it_and_takes_exactly_that_one_away(theirs: Theirs) -> None:
    """With what it owes in between; what others added before and since stays."""
    owing = Owing()

    async def scenario() -> None:
        turned = await theirs.fault(toxic="limit_data", attributes={"bytes": 1}).turn(owing.hands, ["e"])
        (debt,) = owing.debts
        assert ["theirs", debt.what["toxic"]] == theirs.toxics
        theirs.proxy.add_toxic("noop", {}, name="later")
        assert b"n" == await theirs.dial()
        assert 1 == await _counted(turned)
        assert False is await turned.undone()
        await turned.undo()
        assert (True, ["theirs", "later"], []) == (await turned.undone(), theirs.toxics, owing.debts)
        await turned.undo()

    asyncio.run(scenario())


def test_a_proxy_is_switched_off_and_on_again(theirs: Theirs) -> None:
    """Nobody listens, then somebody does."""
    owing = Owing()

    async def scenario() -> None:
        turned = await theirs.fault(down=True).turn(owing.hands, ["e"])
        with pytest.raises(ConnectionRefusedError):
            await theirs.dial()
        with pytest.raises(BadInput, match="switched off already"):
            await theirs.fault(down=True).turn(owing.hands, ["e"])
        assert (False, 1) == (await turned.undone(), len(owing.debts))
        await turned.undo()
        assert (True, b"no", []) == (await turned.undone(), await theirs.dial(), owing.debts)

    asyncio.run(scenario())


@pytest.mark.parametrize("settings", [{}, {"down": True}])
def test_who_comes_later_takes_it_away(theirs: Theirs, settings: dict[str, Any]) -> None:
    """From what was written down alone; done already is left so."""
    owing = Owing()
    asyncio.run(theirs.fault(**settings).turn(owing.hands, []))
    (debt,) = owing.debts
    for _ in range(2):
        SETTLERS["toxiproxy-toxic"](debt.what)
        assert (True, ["theirs"]) == (theirs.proxy.enabled, theirs.toxics)


@pytest.mark.parametrize("settings", [{}, {"down": True}])
def test_a_proxy_that_somebody_deleted_has_nothing_of_ours(theirs: Theirs, settings: dict[str, Any]) -> None:
    """So there is nothing to undo."""
    owing = Owing()

    async def scenario() -> bool:
        turned = await theirs.fault(**settings).turn(owing.hands, [])
        await asyncio.to_thread(theirs.vanish)
        await turned.undo()
        return await turned.undone()

    assert (True, []) == (asyncio.run(scenario()), owing.debts)


def test_a_proxy_that_is_not_there_is_said_with_those_that_are(theirs: Theirs) -> None:
    """And nothing is owed."""
    owing = Owing()
    with pytest.raises(BadInput, match="'a b'"):
        asyncio.run(Toxiproxy(url=theirs.api.url, proxy="a-b").turn(owing.hands, []))
    assert [] == owing.ever


@pytest.mark.parametrize("url", ["127.0.0.1:8474", "ftp://127.0.0.1:1"])
def test_a_url_that_is_none_is_said(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(BadInput, match="no address of a Toxiproxy"):
        asyncio.run(Toxiproxy(url=url, proxy="p").turn(Owing().hands, []))


def test_a_server_that_does_not_answer_is_said() -> None:
    """Nothing was begun, and nothing is owed."""
    owing = Owing()
    with pytest.raises(RemoteError, match="GET /proxies/p: no answer"):
        asyncio.run(Toxiproxy(url="http://127.0.0.1:1", proxy="p").turn(owing.hands, []))
    assert [] == owing.ever


def test_a_server_that_sends_elsewhere_is_not_followed() -> None:
    """Only the server that was allowed may be acted on, whatever it says."""
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/another-server")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with answering(Elsewhere) as url:
        with pytest.raises(RemoteError, match="GET /proxies/p: 302"):
            asyncio.run(Toxiproxy(url=url, proxy="p").turn(Owing().hands, []))
        with pytest.raises(BadInput, match="GET /version was answered 302"):
            check_server(url)
    assert ["/proxies/p", "/version"] == asked


def test_a_toxic_that_could_not_be_taken_away_is_owed_still(theirs: Theirs, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the undo says so."""
    owing = Owing()

    async def scenario() -> None:
        turned = await theirs.fault().turn(owing.hands, [])
        with monkeypatch.context() as patch:
            patch.setattr(theirs.proxy, "remove_toxic", lambda _: None)
            with pytest.raises(RemoteError, match="is still there"):
                await turned.undo()
            assert 1 == len(owing.debts)
        await turned.undo()

    asyncio.run(scenario())
    assert (["theirs"], []) == (theirs.toxics, owing.debts)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"down": True}, 1),
        ({"toxic": "timeout"}, 1),
        ({"toxic": "reset_peer"}, 1),
        ({"toxic": "latency", "attributes": {"latency": 200}}, 1),
        ({"toxic": "slow_close"}, 0),
        ({"toxic": "limit_data", "attributes": {"bytes": 1_000_000}}, 0),
    ],
)
def test_where_the_server_cannot_tell_a_probe_does(
    theirs: Theirs, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], expected: int
) -> None:
    """On this machine, by what it met before and what it meets now; what it cannot tell apart is no evidence."""
    monkeypatch.setattr(RemoteProxy, "acted", lambda _: None)

    async def scenario() -> int:
        turned = await theirs.fault(**settings).turn(Owing().hands, [])
        async with asyncio.timeout(5):
            await asyncio.wait([turned.probe])  # type: ignore[attr-defined]
        counted = await _counted(turned)
        await turned.undo()
        return counted

    assert expected == asyncio.run(scenario())


async def _counted(turned: Turned) -> int:
    await turned.recount()  # type: ignore[attr-defined]
    return turned.fired()
