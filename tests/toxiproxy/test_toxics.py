"""What each toxic does to bytes, on the embedded server and, where there is one, on a real one."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from brownout.clock import monotonic_s


def read_exactly(sock: socket.socket, count: int) -> bytes:
    """Return so many bytes, fewer only at the end of the stream."""
    got = b""
    while len(got) < count and (data := sock.recv(65536)):
        got += data
    return got


def is_quiet(sock: socket.socket, for_s: float) -> bool:
    """Return whether nothing comes, not even an end, for so long."""
    sock.settimeout(for_s)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(5)
    return False


def test_without_toxics_bytes_pass_unchanged(proxied: Any) -> None:
    """A clean proxy is a wire."""
    sent = bytes(range(256)) * 2000
    with proxied.dial() as sock:
        sock.sendall(sent)
        assert sent == read_exactly(sock, len(sent))


def test_noop_changes_nothing(proxied: Any) -> None:
    """The noop toxic is a wire too."""
    proxied.add("noop")
    with proxied.dial() as sock:
        sock.sendall(b"hello")
        assert b"hello" == read_exactly(sock, 5)


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency_comes_late_in_its_direction(proxied: Any, stream: str) -> None:
    """A latency of 150 ms costs a round trip 150 ms once."""
    proxied.add("latency", stream=stream, latency=150)
    with proxied.dial() as sock:
        began_s = monotonic_s()
        sock.sendall(b"hello")
        assert b"hello" == read_exactly(sock, 5)
        assert 0.145 <= monotonic_s() - began_s < 2


def test_latency_delays_chunks_side_by_side(proxied: Any) -> None:
    """Chunks sent together come late together, not one delay after the other."""
    proxied.add("latency", latency=200)
    with proxied.dial() as sock:
        began_s = monotonic_s()
        for _ in range(20):
            sock.sendall(b"x" * 10)
            asyncio.run(asyncio.sleep(0.005))
        assert b"x" * 200 == read_exactly(sock, 200)
        assert 0.195 <= monotonic_s() - began_s < 2


def test_bandwidth_takes_bytes_over_rate(proxied: Any) -> None:
    """100 kB at 200 KB/s take half a second."""
    proxied.add("bandwidth", rate=200)
    with proxied.dial() as sock:
        began_s = monotonic_s()
        sock.sendall(b"x" * 100_000)
        assert 100_000 == len(read_exactly(sock, 100_000))
        assert 0.45 <= monotonic_s() - began_s < 2.5


def test_bandwidth_of_zero_stalls_until_removed(proxied: Any) -> None:
    """Rate 0, the default, lets nothing through; what it held comes once it is gone."""
    proxied.add("bandwidth")
    with proxied.dial() as sock:
        sock.sendall(b"hello")
        assert is_quiet(sock, 0.2)
        proxied.remove("bandwidth")
        assert b"hello" == read_exactly(sock, 5)


def test_slow_close_delays_the_end_only(proxied: Any) -> None:
    """Data comes at once, the end late."""
    proxied.add("slow_close", delay=300)
    with proxied.dial() as sock:
        began_s = monotonic_s()
        sock.sendall(b"bye")
        assert b"bye" == read_exactly(sock, 3)
        assert monotonic_s() - began_s < 0.29
        assert b"" == sock.recv(1)
        assert 0.29 <= monotonic_s() - began_s < 2


def test_timeout_swallows_then_closes(proxied: Any) -> None:
    """Nothing comes, and after the silence the connection ends."""
    proxied.add("timeout", timeout=200)
    with proxied.dial() as sock:
        began_s = monotonic_s()
        sock.sendall(b"hello")
        assert b"" == sock.recv(1)
        assert 0.15 <= monotonic_s() - began_s < 2


def test_timeout_starts_anew_with_every_chunk(proxied: Any) -> None:
    """Chunks at a third of the timeout keep the connection open."""
    proxied.add("timeout", timeout=300)
    with proxied.dial() as sock:
        for _ in range(6):
            sock.sendall(b"x")
            assert is_quiet(sock, 0.1)
        assert b"" == sock.recv(1)


def test_timeout_of_zero_stays_open_and_closes_when_removed(proxied: Any) -> None:
    """The black hole: live connections stall, and end when it is lifted."""
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == read_exactly(sock, 1)
        proxied.add("timeout", timeout=0)
        sock.sendall(b"b")
        assert is_quiet(sock, 0.2)
        proxied.remove("timeout")
        assert b"" == sock.recv(1)


def test_reset_peer_resets_new_connections(proxied: Any) -> None:
    """A connection opened under the toxic ends with a TCP reset."""
    proxied.add("reset_peer", timeout=50)
    with proxied.dial() as sock:
        began_s = monotonic_s()
        sock.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        assert 0.045 <= monotonic_s() - began_s < 2


def test_reset_peer_ends_live_connections_plainly(proxied: Any) -> None:
    """A connection opened before sees the end of the stream, as with the real server."""
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == read_exactly(sock, 1)
        proxied.add("reset_peer")
        sock.sendall(b"b")
        assert b"" == sock.recv(1)


def test_slicer_cuts_and_loses_nothing(proxied: Any) -> None:
    """Slices come one by one, and make up what was sent."""
    proxied.add("slicer", average_size=100, size_variation=20, delay=20_000)
    sent = bytes(range(250)) * 4
    with proxied.dial() as sock:
        sock.sendall(sent)
        first = sock.recv(65536)
        assert len(first) < 500
        assert sent == first + read_exactly(sock, len(sent) - len(first))


def test_limit_data_counts_over_the_connection_then_closes(proxied: Any) -> None:
    """Seven bytes pass in all, however they come."""
    proxied.add("limit_data", bytes=7)
    with proxied.dial() as sock:
        sock.sendall(b"abcd")
        assert b"abcd" == read_exactly(sock, 4)
        sock.sendall(b"efgh")
        assert b"efg" == read_exactly(sock, 99)


def test_a_toxic_can_be_changed_on_a_live_connection(proxied: Any) -> None:
    """An update acts at once, and lets go of what the old settings held."""
    proxied.add("latency", latency=60_000)
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert is_quiet(sock, 0.1)
        proxied.update("latency", latency=1)
        assert b"a" == read_exactly(sock, 1)
        sock.sendall(b"b")
        assert b"b" == read_exactly(sock, 1)


def test_toxicity_decides_which_connections_are_touched(proxied: Any) -> None:
    """At 0 none is, at a half some are."""
    proxied.add("limit_data", toxicity=0.0, bytes=0)
    outcomes = []
    for toxicity in (0.0, 0.5):
        proxied.api.ok("POST", "/proxies/p/toxics/limit_data", {"toxicity": toxicity})
        seen = set()
        for _ in range(20):
            with proxied.dial() as sock:
                sock.sendall(b"x")
                seen.add(sock.recv(1))
        outcomes.append(seen)
    assert [{b"x"}, {b"x", b""}] == outcomes


def test_toxicity_can_be_changed_on_a_live_connection(proxied: Any) -> None:
    """To 1 it is taken, to 0 it is let go, with what was held."""
    proxied.add("bandwidth", toxicity=0.0)
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == read_exactly(sock, 1)
        proxied.api.ok("POST", "/proxies/p/toxics/bandwidth", {"toxicity": 1.0})
        sock.sendall(b"b")
        assert is_quiet(sock, 0.2)
        proxied.api.ok("POST", "/proxies/p/toxics/bandwidth", {"toxicity": 0.0})
        assert b"b" == read_exactly(sock, 1)


def test_reset_lets_go_of_live_connections(proxied: Any) -> None:
    """What a toxic held comes at once, and the connection lives on."""
    proxied.add("latency", latency=60_000)
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert is_quiet(sock, 0.1)
        proxied.api.ok("POST", "/reset")
        assert b"a" == read_exactly(sock, 1)
        sock.sendall(b"b")
        assert b"b" == read_exactly(sock, 1)


def test_disabling_closes_and_refuses_and_enabling_keeps_the_port(proxied: Any) -> None:
    """Down is down, for live and new connections; up again is where it was."""
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == read_exactly(sock, 1)
        proxied.api.ok("POST", "/proxies/p", {"enabled": False})
        assert b"" == sock.recv(1)
    with pytest.raises(ConnectionRefusedError):
        proxied.dial()
    assert f"127.0.0.1:{proxied.port}" == proxied.api.ok("POST", "/proxies/p", {"enabled": True})["listen"]
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == read_exactly(sock, 1)


def test_an_upstream_that_refuses_is_an_end_of_stream(proxied: Any) -> None:
    """The client is accepted, then sees the end."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        proxied.api.ok("POST", "/proxies/p", {"upstream": f"127.0.0.1:{unused.getsockname()[1]}"})
        with proxied.dial() as sock:
            assert b"" == sock.recv(1)


def test_half_close_keeps_the_answer(proxied: Any) -> None:
    """A client that has finished sending still gets its answer; a deliberate difference."""
    if proxied.api.real:
        pytest.skip("the real server drops the answer")
    proxied.add("latency", latency=50)
    with proxied.dial() as sock:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        assert b"hello" == read_exactly(sock, 99)


EDGES = [
    ("latency", {"latency": -5, "jitter": 2**62}),
    ("latency", {"latency": 2**63 - 1}),
    ("bandwidth", {"rate": -1}),
    ("bandwidth", {"rate": 2**63 - 1}),
    ("slow_close", {"delay": 2**63 - 1}),
    ("slow_close", {"delay": -1}),
    ("timeout", {"timeout": -1}),
    ("timeout", {"timeout": 2**63 - 1}),
    ("reset_peer", {"timeout": -1}),
    ("slicer", {"average_size": 2**63 - 1, "size_variation": 2**63 - 1, "delay": -1}),
    ("slicer", {"average_size": 1, "size_variation": -7}),
    ("limit_data", {"bytes": -1}),
]


@pytest.mark.parametrize(("kind", "attributes"), EDGES)
def test_edge_values_do_not_harm_the_server(proxied: Any, kind: str, attributes: dict[str, int]) -> None:
    """Whatever a toxic is set to, the server lives and the proxy recovers."""
    if proxied.api.real:
        pytest.skip("a real server is not ours to try to crash")
    with proxied.dial() as sock:
        proxied.add(kind, **attributes)
        with contextlib.suppress(ConnectionError):  # what the client sees is another test's matter
            sock.sendall(b"hello")
            is_quiet(sock, 0.02)
        proxied.remove(kind)
    with proxied.dial() as sock:
        sock.sendall(b"hello")
        assert b"hello" == read_exactly(sock, 5)


def test_a_slicer_of_zero_is_refused(proxied: Any) -> None:
    """The setting that kills the real server is a 400 here."""
    if proxied.api.real:
        pytest.skip("it kills the real server")
    response = proxied.api.call("POST", "/proxies/p/toxics", json={"type": "slicer"})
    assert 400 == response.status_code
    assert "average_size must be at least 1" in response.json()["error"]
