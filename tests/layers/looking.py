"""A cloud that is looked at, in virtual time: bytes go in as anybody might send them, and what was seen comes out."""

import asyncio
import gzip
import json
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brownout.canary import CanaryMint, Kind, run_key
from brownout.clock import LoopClock, MonotonicClock
from brownout.egress import EgressRecord, LayerRecord
from brownout.evidence import ProviderRecord
from brownout.topology import Endpoint, Tenant, Topology
from brownout.virtual import run_virtual
from brownout.wire import HttpRequest
from fixtures.providers.cloud import Cloud
from fixtures.providers.plaintext import Plaintext, homes_of
from fixtures.providers.proofs import Proofs, proofs_of

TENANTS = ["acme", "globex", "europa"]
MINT = CanaryMint(run_key(3), TENANTS)
NEAR, ABROAD = "near", "abroad"
HOMES = {"acme": [NEAR], "globex": [NEAR], "europa": [ABROAD]}


def value(tenant: str = "acme", number: int = 7, kind: Kind = "prompt") -> str:
    """Return a canary of a request of a tenant's."""
    return MINT.value(tenant, number, kind)


def plaintext(
    record: Callable[[EgressRecord], None], proofs: Proofs | None = None, homes: Mapping[str, Collection[str]] = HOMES
) -> Plaintext:
    """Return a layer that writes down what it sees."""
    return Plaintext("t", MINT, homes_of(homes), clock=MonotonicClock(), record=record, proofs=proofs)


class Looked:
    """A layer, and what it has written down; requests come by no door."""

    def __init__(self, proofs: Proofs | None = None, homes: Mapping[str, Collection[str]] = HOMES) -> None:
        self.seen: list[EgressRecord] = []
        self.layer = plaintext(self.seen.append, proofs, homes)

    def request(self, place: str, body: bytes | str = b"", **how: Any) -> None:
        """Let a request come to a place, and be `read`."""
        self.layer.at(place).request_came()
        self.read(place, body, **how)

    def read(
        self,
        place: str,
        body: bytes | str = b"",
        *,
        headers: dict[str, str] | None = None,
        url: str = "/",
        whole: bool = True,
    ) -> None:
        """Let a request that came be read to its end."""
        path, _, query = url.partition("?")
        raw = body.encode() if isinstance(body, str) else body
        sent = HttpRequest(method="POST", path=path, query=query, headers=headers or {}, body=raw)
        self.layer.request(place, sent, whole=whole)

    def told(self) -> list[tuple[str, str, str, str]]:
        """Return whose data was seen where, in which part, for whom."""
        return [(one.canary, one.place, one.part, one.to) for one in self.seen]

    def says(self) -> LayerRecord:
        """Return what the layer says of itself now."""
        return self.layer.layers()[0]


def chat(*texts: str) -> bytes:
    """Return a chat's body with these texts in it."""
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}).encode()


def packed(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return a body under gzip, and the headers that say so."""
    return gzip.compress(body, mtime=0), {"content-encoding": "gzip"}


def _endpoint(name: str) -> Endpoint:
    return Endpoint(
        name=name, cloud="own", provider="own", region=name, capacity="gpu", dialect="openai-chat", model="m"
    )


@dataclass
class Clouds:
    """Two endpoints, the identity services and the sinks, all of them looked at."""

    cloud: Cloud
    layer: Plaintext
    seen: list[EgressRecord]
    attempts: list[ProviderRecord]

    async def send(self, place: str, raw: bytes, *, then: Callable[[], None] = lambda: None) -> bytes:
        """Send bytes over a connection of its own, and return what came back until its end; ``then``: before that."""
        reader, writer = await self.open(place)
        writer.write(raw)
        await asyncio.sleep(0.1)
        then()
        writer.close()
        return await reader.read()

    async def open(self, place: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to an endpoint, a service or a sink, by its name in evidence."""
        kind, _, name = place.rpartition(":")
        urls = {"": {}, "service": self.cloud.service_urls, "sink": self.cloud.sink_urls}[kind]
        if urls:
            host, port = urls[name].split("/")[2].split(":")
            return await asyncio.open_connection(host, int(port))
        return await asyncio.open_connection(*self.cloud.addresses[name])

    def told(self) -> list[tuple[str, str, str, str]]:
        """Return whose data was seen where, in which part, by which layer; each once."""
        return list(dict.fromkeys((one.canary, one.place, one.part, one.layer) for one in self.seen))


def in_clouds(scenario: Callable[[Clouds], Coroutine[Any, Any, None]], folder: Path) -> Clouds:
    """Play a scenario; return what is left when everything was taken down."""
    topology = Topology(
        topology="t",
        endpoints=[_endpoint(NEAR), _endpoint(ABROAD)],
        tenants={name: Tenant(allow=allow) for name, allow in HOMES.items()},
    )

    async def play() -> Clouds:
        clock = LoopClock()
        seen: list[EgressRecord] = []
        attempts: list[ProviderRecord] = []
        layer = Plaintext("t", MINT, homes_of(HOMES), clock=clock, record=seen.append, proofs=proofs_of(topology))
        cloud = Cloud(
            topology,
            seed=3,
            test="t",
            clock=clock,
            mint=MINT,
            record=attempts.append,
            folder=folder,
            plaintext=layer,
            planted=True,
        )
        await cloud.start()
        clouds = Clouds(cloud, layer, seen, attempts)
        try:
            await scenario(clouds)
        finally:
            await cloud.close()
        return clouds

    return run_virtual(play())
