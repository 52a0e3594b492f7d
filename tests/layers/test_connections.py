"""What comes over a connection and is no request is seen all the same, and counts for the test that it came in."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.providers.tapped import TAIL_BYTES, Tapped
from tests.layers.looking import ABROAD, NEAR, Clouds, chat, in_clouds, value


def posted(body: bytes, *, length: int | None = None, path: str = "/v1/chat/completions", extra: str = "") -> bytes:
    """Return a request on the wire, its body as long as it says unless told."""
    declared = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {declared}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "place", [ABROAD, "service:sts", "service:token", "service:sagemaker", "sink:otlp", "sink:logs"]
)
def test_bytes_that_are_no_http_are_seen(place: str, tmp_path: Path) -> None:
    """A binary protocol at a port for HTTP, refused at its first line."""

    async def scenario(clouds: Clouds) -> None:
        await clouds.send(place, b"\x00\x01\x02 EHLO " + value().encode() + b"\r\n")

    layer = "telemetry" if place.startswith("sink:") else "plaintext"
    assert [("acme-7", place, "connection", layer)] == in_clouds(scenario, tmp_path).told()


def test_bytes_behind_a_bodys_declared_end_are_seen(tmp_path: Path) -> None:
    """The request is at home, and so is what it says; what follows it is somebody else's."""

    async def scenario(clouds: Clouds) -> None:
        _, writer = await clouds.open(NEAR)
        writer.write(posted(chat(value("acme"))))
        await asyncio.sleep(0.1)
        writer.write(b"\x00" + value("europa").encode())
        await asyncio.sleep(0.1)
        writer.close()

    clouds = in_clouds(scenario, tmp_path)
    assert [("europa-7", NEAR, "connection", "plaintext")] == clouds.told()
    assert ["acme-7"] == [one.canary for one in clouds.attempts]


def test_half_a_head_is_seen(tmp_path: Path) -> None:
    """A connection that ends within a request's headers."""

    async def scenario(clouds: Clouds) -> None:
        await clouds.send(ABROAD, f"POST / HTTP/1.1\r\nX-Prompt: {value()}\r\n".encode())

    clouds = in_clouds(scenario, tmp_path)
    assert [("acme-7", ABROAD, "connection", "plaintext")] == clouds.told()
    assert [] == clouds.attempts


@pytest.mark.parametrize("place", [ABROAD, "service:sts", "sink:otlp"])
def test_a_body_cut_short_is_seen_and_looked_at(place: str, tmp_path: Path) -> None:
    """What came of it has come, though its sender has left; nothing is missed."""

    async def scenario(clouds: Clouds) -> None:
        await clouds.send(NEAR, posted(chat(value("globex"))))
        await clouds.send(place, posted(chat(value()), length=9999))

    clouds = in_clouds(scenario, tmp_path)
    assert {("acme-7", place, "body"), ("acme-7", place, "connection")} == {one[:3] for one in clouds.told()}
    assert [True, True] == [one.complete for one in clouds.layer.layers()]


@pytest.mark.parametrize("place", ["service:sts", "service:token"])
def test_a_body_that_a_service_does_not_read_is_seen(place: str, tmp_path: Path) -> None:
    """It is refused for its length, and was sent all the same."""

    async def scenario(clouds: Clouds) -> None:
        reply = await clouds.send(place, posted(chat(value()) + b" " * 70_000))
        assert b"413" in reply.split(b"\r\n", 1)[0]

    told = in_clouds(scenario, tmp_path).told()
    assert ("acme-7", place) in {one[:2] for one in told}


def test_an_open_connection_is_looked_at_when_its_test_is_over(tmp_path: Path) -> None:
    """A target that outlasts its tests keeps connections open: what they bore is told of the test that it came in."""

    async def scenario(clouds: Clouds) -> None:
        _, writer = await clouds.open(ABROAD)
        writer.write(f"POST / HTTP/1.1\r\nX-Prompt: {value()}\r\n".encode())
        await asyncio.sleep(0.1)
        clouds.cloud.show_tails()
        assert [("acme-7", ABROAD, "connection", "plaintext")] == clouds.told()
        clouds.seen.clear()
        writer.close()
        await asyncio.sleep(0.1)
        clouds.cloud.show_tails()

    assert [] == in_clouds(scenario, tmp_path).told()


def test_a_connection_that_ends_with_its_world_is_looked_at(tmp_path: Path) -> None:
    """Whoever takes the world down cuts it off, and looks at it."""

    async def scenario(clouds: Clouds) -> None:
        _, writer = await clouds.open(ABROAD)
        writer.write(value().encode())
        await asyncio.sleep(0.1)

    assert [("acme-7", ABROAD, "connection", "plaintext")] == in_clouds(scenario, tmp_path).told()


def test_an_endpoint_called_like_a_service_is_not_taken_for_it(tmp_path: Path) -> None:
    """Places have names of their own: what may be at an endpoint may not be at a service."""

    async def scenario(clouds: Clouds) -> None:
        await clouds.send("service:token", posted(value("europa").encode(), path="/token"))

    assert {("europa-7", "service:token")} == {one[:2] for one in in_clouds(scenario, tmp_path).told()}


class _Inner(asyncio.Protocol):
    def __init__(self) -> None:
        self.calls: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.calls.append(transport)

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def eof_received(self) -> bool | None:
        self.calls.append("eof")
        return True

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append(exc)


class _Onlooker:
    def __init__(self) -> None:
        self.shown: list[bytes] = []

    def request_came(self) -> None:
        """Doors say that."""

    def connection_ended(self, tail: bytes) -> None:
        self.shown.append(tail)


@given(
    st.lists(st.sampled_from([1, 10, 1000, TAIL_BYTES - 1, TAIL_BYTES, 200_000]), max_size=8),
    st.binary(min_size=1, max_size=4),
)
def test_everything_is_passed_on_and_a_bounded_tail_is_shown(sizes: list[int], pattern: bytes) -> None:
    """Whoever has the connection has it as if nobody looked; and a gigabyte leaves no more than its end."""
    inner, onlooker, open_ones, transport, error = _Inner(), _Onlooker(), set[Tapped](), asyncio.Transport(), OSError()
    tapped = Tapped(inner, onlooker, open_ones)
    tapped.connection_made(transport)
    assert {tapped} == open_ones
    pieces = [(pattern * size)[:size] for size in sizes]
    for piece in pieces:
        tapped.data_received(piece)
        assert len(tapped._tail) <= 2 * TAIL_BYTES
    tapped.pause_writing()
    tapped.resume_writing()
    assert tapped.eof_received()
    tapped.connection_lost(error)

    assert [transport, *pieces, "pause", "resume", "eof", error] == inner.calls
    assert set() == open_ones
    came = b"".join(pieces)
    assert came[-TAIL_BYTES:] == b"".join(onlooker.shown)[-TAIL_BYTES:]
    assert bool(came) == bool(onlooker.shown)
