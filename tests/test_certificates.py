"""What endpoints show in a TLS handshake goes wrong as told, connection by connection, on either kind of event loop."""

import asyncio
import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web

import faults  # noqa: F401 - registers every fault
from brownout.errors import BadInput
from brownout.hands import Untrusted
from brownout.placing import check_playable
from brownout.plan import PlannedInjection
from fixtures.providers.certificates import ShownCertificates
from fixtures.providers.door import HOST, Door
from fixtures.providers.tls import write_authority

NAME = "bedrock-runtime.us-east-1.amazonaws.com"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
SAID: dict[Untrusted, str] = {
    "expired": "certificate has expired",
    "wrong-host": "Hostname mismatch",
    "unknown-authority": "unable to get local issuer certificate",
    "alert": "ALERT_HANDSHAKE_FAILURE",
    "closed": "UNEXPECTED_EOF_WHILE_READING",
}


class Client:
    """A client that looks closely.

    Args:
        port: where it calls.
        folder: where the authority's certificate is written.
        version: of TLS.
    """

    def __init__(self, port: int, folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        write_authority(folder / "ca.pem")
        self.trusting = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        self.trusting.minimum_version = self.trusting.maximum_version = version
        self._port = port

    def connect(self, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        """Return a connection; raise what the handshake ends with."""
        plain = socket.create_connection((HOST, self._port), 10)
        try:
            return self.trusting.wrap_socket(plain, server_hostname=NAME, session=session)
        except BaseException:
            plain.close()
            raise

    def refused(self) -> str:
        """Return what the handshake ends with."""
        with pytest.raises(ssl.SSLError) as ended:
            self.connect().close()
        return str(ended.value)


def ask(connection: ssl.SSLSocket) -> int:
    """Return the status of one request, over a connection that stays open."""
    asking = http.client.HTTPConnection(HOST)
    asking.sock = connection
    asking.request("GET", "/")
    reply = asking.getresponse()
    reply.read()
    return reply.status


def play(story: Callable[[ShownCertificates, int], None], loop_factory: Any = uvloop.new_event_loop) -> None:
    """Open an endpoint's door and tell a story in a thread beside it."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="ok")

    async def main() -> None:
        certificates = ShownCertificates()
        door = Door(answer, certificates.context("pt", (NAME,)))
        await door.open()
        try:
            await asyncio.to_thread(story, certificates, door.port)
        finally:
            door.shut()
            await door.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop_factory", LOOPS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("how", list(SAID))
def test_new_connections_meet_it_and_old_ones_do_not(
    how: Untrusted, version: ssl.TLSVersion, loop_factory: Any, tmp_path: Path
) -> None:
    """The client is told what is wrong, in the words of its TLS; healed, all is as before."""

    def story(certificates: ShownCertificates, port: int) -> None:
        client = Client(port, tmp_path, version)
        with client.connect() as before:
            assert 200 == ask(before)
            spoil = certificates.spoil("pt", how)
            said = [client.refused() for _ in range(2)]
            assert [True, True] == [SAID[how] in one for one in said], said
            assert (2, how, 200) == (spoil.met, certificates.spoiled("pt"), ask(before))
            spoil.heal()
            assert (None, 200) == (certificates.spoiled("pt"), ask(before))
        with client.connect() as after:
            assert (200, 2) == (ask(after), spoil.met)

    play(story, loop_factory)


def test_the_last_word_holds_and_all_heal() -> None:
    """Two at once, in any order: each takes its own back."""

    def story(certificates: ShownCertificates, _: int) -> None:
        first, second = certificates.spoil("pt", "expired"), certificates.spoil("pt", "alert")
        assert "alert" == certificates.spoiled("pt")
        first.heal()
        assert ("alert", False, True) == (certificates.spoiled("pt"), first.on, second.on)
        second.heal()
        assert None is certificates.spoiled("pt")

    play(story)


def test_a_connection_without_a_hello_meets_nothing(tmp_path: Path) -> None:
    """A probe of the port is no handshake, and neither is nonsense."""

    def story(certificates: ShownCertificates, port: int) -> None:
        spoil = certificates.spoil("pt", "expired")
        socket.create_connection((HOST, port), 10).close()
        with socket.create_connection((HOST, port), 10) as nonsense:
            nonsense.sendall(b"GET / HTTP/1.1\r\n\r\n")
            nonsense.recv(100)
        assert 0 == spoil.met
        Client(port, tmp_path).refused()
        assert 1 == spoil.met

    play(story)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_is_not_counted(version: ssl.TLSVersion, tmp_path: Path) -> None:
    """With TLS 1.3 nothing is resumed; with 1.2 a client that resumes is shown no certificate, and that is not met."""

    def story(certificates: ShownCertificates, port: int) -> None:
        client = Client(port, tmp_path, version)
        with client.connect() as before:
            ask(before)
            session = before.session
        spoil = certificates.spoil("pt", "expired")
        try:
            with client.connect(session) as resumed:
                assert (True, True, 200) == (version == VERSIONS[0], resumed.session_reused, ask(resumed))
        except ssl.SSLCertVerificationError:
            assert VERSIONS[1] == version
        assert (version == VERSIONS[1]) == spoil.met

    play(story)


def test_where_nothing_speaks_tls_it_is_refused() -> None:
    """As in virtual time."""
    with pytest.raises(BadInput, match="--clock real"):
        ShownCertificates().spoil("pt", "expired")


def test_a_plan_in_virtual_time_has_no_place_for_it() -> None:
    """It is refused before anything is raised; on the machine's clock it is not."""
    planned = PlannedInjection(id="i", fault="tls-broken", settings={}, at="pt", endpoints=["pt"], at_s=0.0, for_s=1.0)
    check_playable([planned], clock="real", started=True)
    with pytest.raises(BadInput, match="virtual clock"):
        check_playable([planned], clock="virtual", started=True)
