"""The control API's table: paths, statuses, bodies, manners; by raw HTTP and through toxiproxy-python."""

import json
import socket
from typing import Any

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

BODY = {"name": "p", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"}


def test_version_is_json(api: Any) -> None:
    """The version says itself, in the real content type."""
    response = api.call("GET", "/version")
    assert (200, ["version"]) == (response.status_code, list(response.json()))
    assert "application/json;charset=utf-8" == response.headers["Content-Type"].replace("; ", ";")


def test_a_proxy_is_created_shown_and_deleted(api: Any) -> None:
    """The life of a proxy, with the Logger that leaks."""
    response = api.call("POST", "/proxies", json=BODY)
    made = response.json()
    host, _, port = made["listen"].rpartition(":")
    assert (201, "127.0.0.1", True) == (response.status_code, host, int(port) > 0)
    expected = {**BODY, "listen": made["listen"], "enabled": True, "Logger": {}, "toxics": []}
    assert expected == made
    assert expected == api.ok("GET", "/proxies/p")
    assert {"p": expected} == api.ok("GET", "/proxies")
    deleted = api.call("DELETE", "/proxies/p")
    assert (204, b"") == (deleted.status_code, deleted.content)
    assert {} == api.ok("GET", "/proxies")


def test_a_proxy_made_disabled_does_not_listen(api: Any) -> None:
    """Enabled is true unless said otherwise."""
    assert api.ok("POST", "/proxies", {**BODY, "enabled": False})["enabled"] is False
    assert api.ok("PATCH", "/proxies/p", {"enabled": True})["enabled"] is True


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_proxy_is_updated_in_the_fields_given(api: Any, method: str) -> None:
    """What is not given stays."""
    before = api.ok("POST", "/proxies", BODY)
    assert {**before, "upstream": "127.0.0.1:10"} == api.ok(method, "/proxies/p", {"upstream": "127.0.0.1:10"})


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_toxic_lives_by_the_table(api: Any, method: str) -> None:
    """Added with 200 and defaults, shown, updated in the fields given, deleted with 204."""
    api.ok("POST", "/proxies", BODY)
    response = api.call("POST", "/proxies/p/toxics", json={"type": "latency", "attributes": {"latency": 100}})
    expected: dict[str, Any] = {
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
        "attributes": {"latency": 100, "jitter": 0},
    }
    assert (200, expected) == (response.status_code, response.json())
    path = "/proxies/p/toxics/latency_downstream"
    assert expected == api.ok("GET", path)
    expected["attributes"] = {"latency": 100, "jitter": 5}
    assert expected == api.ok(method, path, {"attributes": {"jitter": 5}})
    expected["toxicity"] = 0.5
    assert expected == api.ok(method, path, {"toxicity": 0.5})
    assert 204 == api.call("DELETE", path).status_code
    assert [] == api.ok("GET", "/proxies/p/toxics")


def test_toxics_are_listed_upstream_first(api: Any) -> None:
    """The order of the list is the order of the chains."""
    api.ok("POST", "/proxies", BODY)
    for stream in ("downstream", "upstream"):
        for kind in ("noop", "latency"):
            api.ok("POST", "/proxies/p/toxics", {"type": kind, "stream": stream})
    names = [toxic["name"] for toxic in api.ok("GET", "/proxies/p/toxics")]
    assert ["noop_upstream", "latency_upstream", "noop_downstream", "latency_downstream"] == names


@pytest.mark.parametrize(
    "kind", ["bandwidth", "latency", "limit_data", "noop", "reset_peer", "slicer", "slow_close", "timeout"]
)
def test_every_kind_of_toxic_can_be_added(api: Any, kind: str) -> None:
    """The whole catalogue is there."""
    api.ok("POST", "/proxies", BODY)
    added = api.ok("POST", "/proxies/p/toxics", {"type": kind, "attributes": {"average_size": 1}})
    assert kind == added["type"]


def test_reset_enables_and_cleans_and_keeps_proxies(api: Any) -> None:
    """The big red button."""
    api.ok("POST", "/proxies", {**BODY, "enabled": False})
    api.ok("POST", "/proxies/p/toxics", {"type": "noop"})
    assert 204 == api.call("POST", "/reset").status_code
    after = api.ok("GET", "/proxies/p")
    assert (True, []) == (after["enabled"], after["toxics"])


def test_populate_keeps_replaces_and_leaves(api: Any) -> None:
    """Identical proxies stay, different ones are replaced, others are left alone."""
    api.ok("POST", "/proxies", {**BODY, "name": "other"})
    kept = api.ok("POST", "/proxies", BODY)
    api.ok("POST", "/proxies/p/toxics", {"type": "noop"})
    same = {**BODY, "listen": kept["listen"]}
    response = api.call("POST", "/populate", json=[same, {**BODY, "name": "new"}])
    assert (201, ["p", "new"]) == (response.status_code, [proxy["name"] for proxy in response.json()["proxies"]])
    assert 1 == len(api.ok("GET", "/proxies/p/toxics"))
    api.ok("POST", "/populate", [{**same, "upstream": "127.0.0.1:10"}])
    replaced = api.ok("GET", "/proxies/p")
    assert ("127.0.0.1:10", []) == (replaced["upstream"], replaced["toxics"])
    assert {"new", "other", "p"} == set(api.ok("GET", "/proxies"))


def test_populate_says_which_proxy_lacks_a_field(api: Any) -> None:
    """Its errors carry the proxies, too."""
    response = api.call("POST", "/populate", json=[BODY, {"name": "q"}])
    body = response.json()
    assert (400, "missing required field: upstream at proxy 2") == (response.status_code, body["error"])
    assert {"error", "status", "proxies"} == set(body)


P, T = "/proxies/p", "/proxies/p/toxics"
ERRORS = [
    ("POST", "/proxies", {"upstream": "x:1"}, 400, "missing required field: name"),
    ("POST", "/proxies", {"name": "q"}, 400, "missing required field: upstream"),
    ("POST", "/proxies", BODY, 409, "proxy already exists"),
    ("POST", "/proxies", {"name": 3, "upstream": "x:1"}, 400, "bad request body: "),
    ("POST", "/proxies", [], 400, "bad request body: "),
    ("GET", "/proxies/none", None, 404, "proxy not found"),
    ("POST", "/proxies/none", {}, 404, "proxy not found"),
    ("DELETE", "/proxies/none", None, 404, "proxy not found"),
    ("GET", "/proxies/none/toxics", None, 404, "proxy not found"),
    ("POST", "/proxies/none/toxics", {}, 404, "proxy not found"),
    ("POST", T, {"type": "nope"}, 400, "invalid toxic type"),
    ("POST", T, {}, 400, "invalid toxic type"),
    ("POST", T, {"type": "noop", "stream": "side"}, 400, "stream was invalid, can be either upstream or downstream"),
    ("POST", T, {"type": "noop", "name": "taken"}, 409, "toxic already exists"),
    ("POST", T, {"type": "latency", "attributes": {"latency": "1"}}, 400, "bad request body: "),
    ("POST", T, {"type": "latency", "attributes": {"latency": 1.5}}, 400, "bad request body: "),
    ("POST", T, {"type": "latency", "attributes": {"latency": True}}, 400, "bad request body: "),
    ("POST", T, {"type": "latency", "attributes": {"latency": 2**64}}, 400, "bad request body: "),
    ("GET", T + "/none", None, 404, "toxic not found"),
    ("POST", T + "/none", {}, 404, "toxic not found"),
    ("DELETE", T + "/none", None, 404, "toxic not found"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), ERRORS)
def test_errors_are_json_under_text_plain(
    api: Any, method: str, path: str, body: object, status: int, message: str
) -> None:
    """Every error of the table."""
    api.ok("POST", "/proxies", BODY)
    api.ok("POST", T, {"type": "noop", "name": "taken"})
    response = api.call(method, path, json=body)
    said = json.loads(response.text)
    assert (status, status) == (response.status_code, said["status"])
    assert said["error"].startswith(message), said
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.text.endswith("\n")


@pytest.mark.parametrize("body", [b"", b"{", b"nope", b"\xff", b'{"name": NaN}', b"[" * 5000])
def test_a_body_that_is_no_json_is_a_400(api: Any, body: bytes) -> None:
    """Whatever is sent, it is the sender's error."""
    response = api.call("POST", "/proxies", data=body)
    assert 400 == response.status_code
    assert response.json()["error"].startswith("bad request body: ")


def test_a_port_in_use_is_a_500_that_says_so(api: Any) -> None:
    """And leaves no proxy behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        response = api.call("POST", "/proxies", json={**BODY, "listen": address})
    assert 500 == response.status_code
    assert f"listen tcp {address}: bind: address already in use" == response.json()["error"]
    assert {} == api.ok("GET", "/proxies")


def test_json_keys_match_in_any_case_and_unknown_ones_are_ignored(api: Any) -> None:
    """JSON is read as Go reads it."""
    api.ok("POST", "/proxies", {"NAME": "p", "Upstream": "127.0.0.1:9", "LISTEN": "127.0.0.1:0", "colour": "red"})
    toxic = api.ok("POST", T, {"Type": "latency", "ATTRIBUTES": {"Latency": 7, "jitter": None, "what": "ever"}})
    assert {"latency": 7, "jitter": 0} == toxic["attributes"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/proxies", 405),
        ("DELETE", "/reset", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/", 404),
        ("GET", "/proxies/p/else", 404),
    ],
)
def test_paths_and_methods_that_are_none(api: Any, method: str, path: str, status: int) -> None:
    """A wrong method has an empty body, a wrong path a plain sentence."""
    response = api.call(method, path)
    assert status == response.status_code
    assert ("" if status == 405 else "404 page not found") == response.text.strip()


def test_browsers_are_turned_away(api: Any) -> None:
    """No web page drives the fault plane."""
    assert 403 == api.call("POST", "/reset", headers={"User-Agent": "Mozilla/5.0 (X11)"}).status_code


def test_routed_replies_carry_a_request_id(api: Any) -> None:
    """As the real ones do."""
    assert api.call("GET", "/proxies").headers["X-Toxiproxy-Request-Id"]


def test_toxiproxy_python_works_unchanged(python_client: Toxiproxy) -> None:
    """The public client's whole surface, with its own outcomes."""
    assert python_client.running()
    assert b"version" in python_client.version()
    proxy = python_client.create(upstream="127.0.0.1:9", name="p")
    assert proxy.enabled
    proxy.add_toxic(type="latency", attributes={"latency": 5})
    assert {"latency": 5, "jitter": 0} == proxy.get_toxic("latency_downstream").attributes
    with proxy.down():
        assert python_client.get_proxy("p").enabled is False
    assert python_client.get_proxy("p").enabled is True
    assert proxy.destroy_toxic("latency_downstream")
    assert {} == proxy.toxics()
    assert python_client.reset()
    assert 1 == len(python_client.populate([{"name": "q", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"}]))
    python_client.destroy_all()
    assert {} == python_client.proxies()


def test_toxiproxy_python_gets_its_exceptions(python_client: Toxiproxy) -> None:
    """400, 404 and 409 are what it maps."""
    proxy = python_client.create(upstream="127.0.0.1:9", name="p")
    with pytest.raises(ProxyExists):
        python_client.create(upstream="127.0.0.1:9", name="p")
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nope")
    with pytest.raises(NotFound):
        proxy.destroy_toxic("nope")
