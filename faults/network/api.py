"""Toxiproxy's HTTP control API over the embedded server: paths, status codes, error bodies and manners.

As described in https://github.com/Shopify/toxiproxy#http-api, and as the real server answers: errors are JSON
under ``text/plain``, browsers are turned away, JSON is read as Go reads it.

One path more than the real server has, read-only: ``GET /brownout/acted/NAME`` tells on which connections each toxic
has acted since it was added, and which were cut when the proxy was last disabled, by their numbers:
``{"toxics": {"latency_downstream": [0, 2]}, "cut": [1]}``. ``GET /brownout/acted`` tells it of every proxy, by name.

``python -m faults.network.api --port 8474 --seed 1`` serves it until interrupted.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote

import uvloop
from aiohttp import web

from faults.network.proxy import proxy_json, toxic_json
from faults.network.server import ProxySpec, ToxiproxyServer
from faults.network.toxics import ToxiproxyError

Fields: TypeAlias = Mapping[str, type]
Routes: TypeAlias = dict[str, Callable[[bytes], Awaitable[web.Response]]]

_PROXY_FIELDS: Fields = {"name": str, "listen": str, "upstream": str, "enabled": bool}
_TOXIC_FIELDS: Fields = {"name": str, "type": str, "stream": str, "toxicity": float, "attributes": dict}
_GO_NAMES = {str: "string", bool: "bool", float: "float32", dict: "map"}
_SHUTDOWN_S = 0.1  # no call takes longer; idle keep-alive connections would be waited for
_JSON = "application/json;charset=utf-8"


class ControlApi:
    """The API's server.

    Args:
        toxiproxy: what it controls. `stop` leaves it as it is.
    """

    def __init__(self, toxiproxy: ToxiproxyServer) -> None:
        self._toxiproxy = toxiproxy
        self._web: web.Server | None = None
        self._server: asyncio.AbstractServer | None = None
        self._request_numbers = itertools.count(1)
        self.host = ""
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._web = web.Server(self._handle, access_log=None)
        self._server = server = await asyncio.get_running_loop().create_server(self._web, host, port)
        self.host, self.port = server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        if self._server is not None and self._web is not None:
            self._server.close()
            await self._web.shutdown(_SHUTDOWN_S)
            self._server = self._web = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("User-Agent", "").startswith("Mozilla/"):
            return web.Response(status=403)  # a web page must not drive it through its reader's browser
        path = request.rel_url.raw_path
        routes = self._routes([unquote(part) for part in path.split("/")[1:]])
        if not routes:
            return web.Response(status=404, text="404 page not found\n")
        handler = routes.get(request.method)
        if handler is None:
            return web.Response(status=405)
        try:
            reply = await handler(await request.read())
        except ToxiproxyError as error:
            reply = _error(error)
        reply.headers["X-Toxiproxy-Request-Id"] = f"{next(self._request_numbers):020d}"
        return reply

    def _routes(self, parts: list[str]) -> Routes:
        """Return the methods of a path; none for a path that is none."""
        routes: Routes = {}
        match parts:
            case ["version"]:
                routes = {"GET": self._version}
            case ["reset"]:
                routes = {"POST": self._reset}
            case ["populate"]:
                routes = {"POST": self._populate}
            case ["proxies"]:
                routes = {"GET": self._list_proxies, "POST": self._create_proxy}
            case ["proxies", name] if name:
                routes = _Of(self, name).proxy_routes()
            case ["proxies", name, "toxics"] if name:
                routes = _Of(self, name).toxics_routes()
            case ["brownout", "acted"]:
                routes = {"GET": self._acted}
            case ["brownout", "acted", name] if name:
                routes = _Of(self, name).acted_routes()
            case ["proxies", name, "toxics", toxic] if name and toxic:
                routes = _Of(self, name, toxic).toxic_routes()
        return routes

    @property
    def toxiproxy(self) -> ToxiproxyServer:
        """What it controls."""
        return self._toxiproxy

    async def _version(self, _: bytes) -> web.Response:
        return _json({"version": self._toxiproxy.version})

    async def _reset(self, _: bytes) -> web.Response:
        await self._toxiproxy.reset()
        return web.Response(status=204)

    async def _list_proxies(self, _: bytes) -> web.Response:
        return _json({name: proxy_json(proxy) for name, proxy in self._toxiproxy.proxies.items()})

    async def _acted(self, _: bytes) -> web.Response:
        return _json({name: proxy.acted_json() for name, proxy in self._toxiproxy.proxies.items()})

    async def _create_proxy(self, body: bytes) -> web.Response:
        spec = _spec(_object(_decode(body)))
        proxy = await self._toxiproxy.add_proxy(spec.name, spec.upstream, spec.listen, enabled=spec.enabled)
        return _json(proxy_json(proxy), 201)

    async def _populate(self, body: bytes) -> web.Response:
        given = _decode(body)
        if not isinstance(given, list):
            _mismatch(given, "array")
        try:
            made = await self._toxiproxy.populate([_spec(_object(item)) for item in given])
        except ToxiproxyError as error:
            known = [proxy_json(proxy) for proxy in self._toxiproxy.proxies.values()]
            body_json = {"error": error.message, "status": error.status, "proxies": known}
            return _json(body_json, error.status)
        return _json({"proxies": [proxy_json(proxy) for proxy in made]}, 201)


class _Of:
    """The handlers of one proxy, or of one of its toxics."""

    def __init__(self, api: ControlApi, name: str, toxic: str = "") -> None:
        self._toxiproxy = api.toxiproxy
        self._name = name
        self._toxic = toxic

    def proxy_routes(self) -> Routes:
        return {"GET": self._show, "POST": self._update, "PATCH": self._update, "DELETE": self._delete}

    def toxics_routes(self) -> Routes:
        return {"GET": self._list_toxics, "POST": self._add_toxic}

    def toxic_routes(self) -> Routes:
        return {
            "GET": self._show_toxic,
            "POST": self._update_toxic,
            "PATCH": self._update_toxic,
            "DELETE": self._delete_toxic,
        }

    def acted_routes(self) -> Routes:
        return {"GET": self._acted}

    async def _acted(self, _: bytes) -> web.Response:
        return _json(self._toxiproxy.proxy(self._name).acted_json())

    async def _show(self, _: bytes) -> web.Response:
        return _json(proxy_json(self._toxiproxy.proxy(self._name)))

    async def _update(self, body: bytes) -> web.Response:
        self._toxiproxy.proxy(self._name)  # an unknown proxy is said before a bad body
        given = _read(_object(_decode(body)), _PROXY_FIELDS)
        proxy = await self._toxiproxy.update_proxy(
            self._name, listen=given.get("listen"), upstream=given.get("upstream"), enabled=given.get("enabled")
        )
        return _json(proxy_json(proxy))

    async def _delete(self, _: bytes) -> web.Response:
        await self._toxiproxy.remove_proxy(self._name)
        return web.Response(status=204)

    async def _list_toxics(self, _: bytes) -> web.Response:
        return _json([toxic_json(fitted) for fitted in self._toxiproxy.proxy(self._name).toxics])

    async def _add_toxic(self, body: bytes) -> web.Response:
        proxy = self._toxiproxy.proxy(self._name)
        given = _read(_object(_decode(body)), _TOXIC_FIELDS)
        fitted = proxy.add_toxic(
            given.get("type", ""),
            given.get("attributes", {}),
            stream=given.get("stream", ""),
            toxicity=given.get("toxicity", 1.0),
            name=given.get("name", ""),
        )
        return _json(toxic_json(fitted))

    async def _show_toxic(self, _: bytes) -> web.Response:
        return _json(toxic_json(self._toxiproxy.proxy(self._name).toxic(self._toxic)))

    async def _update_toxic(self, body: bytes) -> web.Response:
        proxy = self._toxiproxy.proxy(self._name)
        proxy.toxic(self._toxic)
        given = _read(_object(_decode(body)), _TOXIC_FIELDS)
        fitted = proxy.update_toxic(self._toxic, given.get("attributes"), toxicity=given.get("toxicity"))
        return _json(toxic_json(fitted))

    async def _delete_toxic(self, _: bytes) -> web.Response:
        self._toxiproxy.proxy(self._name).remove_toxic(self._toxic)
        return web.Response(status=204)


def _json(body: object, status: int = 200) -> web.Response:
    text = json.dumps(body, separators=(",", ":")) + "\n"
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": _JSON})


def _error(error: ToxiproxyError) -> web.Response:
    # The real server writes the JSON through a helper for plain text, whose header wins.
    text = json.dumps({"error": error.message, "status": error.status}, separators=(",", ":")) + "\n"
    return web.Response(status=error.status, text=text, headers={"X-Content-Type-Options": "nosniff"})


# --- JSON as Go reads it


def _decode(body: bytes) -> Any:
    """Return the first JSON value of a body; what follows it is ignored."""
    try:
        text = body.decode().lstrip(" \t\r\n")
        if not text:
            raise ToxiproxyError(400, "bad request body: EOF")
        value, _ = json.JSONDecoder(parse_constant=_no_constant).raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise ToxiproxyError(400, f"bad request body: {error}") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"invalid character {name[0]!r} looking for beginning of value")


def _object(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _mismatch(value, "object")
    return value


def _read(given: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Return the known fields of an object: keys in any case of letters, unknown ones and nulls left out."""
    read: dict[str, Any] = {}
    for key, value in given.items():
        kind = fields.get(key.lower())
        if kind is None or value is None:
            continue
        number = kind is float and isinstance(value, int | float) and not isinstance(value, bool)
        if not number and not isinstance(value, kind):
            _mismatch(value, _GO_NAMES[kind], key.lower())
        read[key.lower()] = value
    return read


def _mismatch(value: object, wanted: str, field: str = "") -> NoReturn:
    place = f"field {field} of " if field else ""
    raise ToxiproxyError(
        400, f"bad request body: json: cannot unmarshal {type(value).__name__} into {place}type {wanted}"
    )


def _spec(given: Mapping[str, Any]) -> ProxySpec:
    read = _read(given, _PROXY_FIELDS)
    return ProxySpec(**{"name": "", "upstream": "", **read})


async def _serve(host: str, port: int, seed: int) -> None:
    toxiproxy = ToxiproxyServer(seed)
    api = ControlApi(toxiproxy)
    await api.start(host, port)
    print(api.url, flush=True)  # noqa: T201 - the command's one line of output: where to find it
    try:
        await asyncio.Event().wait()
    finally:
        await api.stop()
        await toxiproxy.close()


def main() -> None:
    """Serve until interrupted; print the URL first."""
    options = argparse.ArgumentParser(description="An embedded Toxiproxy, seeded.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8474)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(given.host, given.port, given.seed))


if __name__ == "__main__":
    main()
