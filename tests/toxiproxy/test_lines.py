"""The control API's finer lines: what an update may change, what restarts, what clients leave out."""

import socket
from typing import Any

import pytest

from faults.network.server import ToxiproxyServer
from faults.network.toxics import ToxiproxyError

BODY = {"name": "p", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"}
T = "/proxies/p/toxics"


def _free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def _speaks(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(b"a")
            return sock.recv(1) == b"a"
    except ConnectionRefusedError:
        return False


def test_another_listen_address_restarts_the_proxy(proxied: Any) -> None:
    """Live connections close, the old port refuses, the new one serves; the toxics stay."""
    proxied.add("noop")
    new = _free_address()
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == sock.recv(1)
        assert new == proxied.api.ok("POST", "/proxies/p", {"listen": new})["listen"]
        assert b"" == sock.recv(1)
    assert (False, True) == (_speaks(f"127.0.0.1:{proxied.port}"), _speaks(new))
    assert ["noop"] == [toxic["name"] for toxic in proxied.api.ok("GET", T)]


def test_another_upstream_closes_live_connections(proxied: Any) -> None:
    """And keeps the port."""
    with proxied.dial() as sock, socket.create_server(("127.0.0.1", 0)) as upstream:
        sock.sendall(b"a")
        assert b"a" == sock.recv(1)
        there = f"127.0.0.1:{upstream.getsockname()[1]}"
        changed = proxied.api.ok("POST", "/proxies/p", {"upstream": there})
        assert (there, f"127.0.0.1:{proxied.port}") == (changed["upstream"], changed["listen"])
        assert b"" == sock.recv(1)


def test_an_update_that_changes_nothing_leaves_connections_alone(proxied: Any) -> None:
    """Fields default to what they are."""
    with proxied.dial() as sock:
        sock.sendall(b"a")
        assert b"a" == sock.recv(1)
        proxied.api.ok("POST", "/proxies/p", {})
        sock.sendall(b"b")
        assert b"b" == sock.recv(1)


def test_an_update_to_a_port_in_use_is_a_500(api: Any) -> None:
    """As at creation."""
    api.ok("POST", "/proxies", BODY)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        response = api.call("POST", "/proxies/p", json={"listen": address})
    assert (500, True) == (response.status_code, "address already in use" in response.json()["error"])


def test_a_toxics_name_type_and_stream_cannot_be_updated(api: Any) -> None:
    """They are passed over; attributes and toxicity change."""
    api.ok("POST", "/proxies", BODY)
    api.ok("POST", T, {"type": "latency", "name": "slow", "attributes": {"latency": 5}})
    told = {"name": "other", "type": "noop", "stream": "upstream", "toxicity": 0.25, "attributes": {"latency": 6}}
    expected = {
        "name": "slow",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.25,
        "attributes": {"latency": 6, "jitter": 0},
    }
    assert expected == api.ok("POST", T + "/slow", told)
    assert [expected] == api.ok("GET", T)


def test_what_an_update_refuses_changes_nothing(api: Any) -> None:
    """A 400, and the toxic as it was."""
    api.ok("POST", "/proxies", BODY)
    before = api.ok("POST", T, {"type": "latency", "attributes": {"latency": 5}})
    refused = api.call("POST", T + "/latency_downstream", json={"attributes": {"latency": "6"}})
    assert 400 == refused.status_code
    assert before == api.ok("GET", T + "/latency_downstream")


def test_a_streams_name_matches_in_any_case(api: Any) -> None:
    """And is shown in lower case."""
    api.ok("POST", "/proxies", BODY)
    assert "upstream" == api.ok("POST", T, {"type": "noop", "stream": "Upstream"})["stream"]


def test_populate_says_which_proxy_lacks_a_name_and_adds_none(api: Any) -> None:
    """Nothing of a list with a hole in it is made; its errors are JSON by their content type, too."""
    response = api.call("POST", "/populate", json=[BODY, {"upstream": "127.0.0.1:9"}])
    assert (400, "missing required field: name at proxy 2") == (response.status_code, response.json()["error"])
    assert "application/json" == response.headers["Content-Type"].partition(";")[0]
    assert {} == api.ok("GET", "/proxies")


@pytest.mark.parametrize("body", [{"name": "p"}, "p", 3])
def test_populate_takes_a_list_only(api: Any, body: object) -> None:
    """Anything else is a 400."""
    response = api.call("POST", "/populate", json=body)
    assert (400, True) == (response.status_code, response.json()["error"].startswith("bad request body: "))


def test_what_follows_the_json_is_ignored(api: Any) -> None:
    """One value is read, as by Go's decoder."""
    made = api.call("POST", "/proxies", data=b'{"name":"p","upstream":"127.0.0.1:9","listen":"127.0.0.1:0"} and more')
    assert 201 == made.status_code


def test_metrics_are_off(api: Any) -> None:
    """A path that is none, unless a real server was started with them."""
    if api.real:
        pytest.skip("a real server may have been started with -proxy-metrics")
    assert 404 == api.call("GET", "/metrics").status_code


@pytest.mark.parametrize("path", ["/version", "/proxies", "/proxies/p", "/proxies/p/toxics"])
def test_what_is_read_is_one_line_of_json(api: Any, path: str) -> None:
    """In the real content type, ended by a line feed."""
    api.ok("POST", "/proxies", BODY)
    response = api.call("GET", path)
    assert "application/json;charset=utf-8" == response.headers["Content-Type"].replace("; ", ";")
    assert (1, "\n") == (response.text.count("\n"), response.text[-1])


def test_a_path_that_is_none_carries_no_request_id(api: Any) -> None:
    """It was never routed."""
    response = api.call("GET", "/nowhere")
    assert (404, False) == (response.status_code, "X-Toxiproxy-Request-Id" in response.headers)


def test_toxiproxy_python_disables_enables_and_destroys(python_client: Any) -> None:
    """A proxy's own verbs."""
    proxy = python_client.create(upstream="127.0.0.1:9", name="p")
    proxy.disable()
    assert python_client.get_proxy("p").enabled is False
    proxy.enable()
    assert python_client.get_proxy("p").enabled is True
    proxy.add_toxic(type="noop", stream="upstream", name="n", toxicity=0.5)
    assert (0.5, "upstream") == (proxy.get_toxic("n").toxicity, proxy.get_toxic("n").stream)
    assert proxy.destroy()
    assert python_client.get_proxy("p") is None


def test_addresses_without_a_host_are_on_loopback_only(background: Any) -> None:
    """A deliberate difference: the real server would listen on all interfaces."""

    async def made() -> list[str]:
        server = ToxiproxyServer(seed=1)
        try:
            return [
                (await server.add_proxy("a", "127.0.0.1:9", ":0")).listen.rpartition(":")[0],
                (await server.add_proxy("b", "127.0.0.1:9")).listen.rpartition(":")[0],
            ]
        finally:
            await server.close()

    assert ["127.0.0.1", "127.0.0.1"] == background.run(made())


def test_an_address_that_is_none_is_refused(background: Any) -> None:
    """With the real server's beginning of a sentence."""

    async def refused() -> str:
        server = ToxiproxyServer(seed=1)
        with pytest.raises(ToxiproxyError) as caught:
            await server.add_proxy("p", "127.0.0.1:9", "nowhere")
        return caught.value.message

    assert "listen tcp: address nowhere: missing port in address" == background.run(refused())
