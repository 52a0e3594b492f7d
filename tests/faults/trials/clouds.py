"""Trials of the faults that act on what is not brownout's own: emulated here, on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import boto3

from faults.network.api import ControlApi
from faults.network.server import ToxiproxyServer
from tests.faults.fis_cloud import ALARM, REGION, fis_cloud
from tests.faults.trial import Scene, trial


@contextlib.asynccontextmanager
async def _account() -> AsyncIterator[Mapping[str, Any]]:
    with fis_cloud() as cloud:
        yield {"template_id": cloud.template(ALARM), "region": REGION, "endpoint_url": cloud.url, "poll_s": 0.02}


@contextlib.asynccontextmanager
async def _somebodys_toxiproxy() -> AsyncIterator[Mapping[str, Any]]:
    server = ToxiproxyServer(seed=1)
    api = ControlApi(server)
    await api.start()
    try:
        await server.add_proxy("checkout", "127.0.0.1:9")
        yield {"url": api.url, "proxy": "checkout"}
    finally:
        await api.stop()
        await server.close()


@trial("aws-fis", besides=_account, real=True)
async def an_experiment_runs(scene: Scene) -> None:
    """Nothing here is the account's: what can be seen is the experiment, and our tag on it."""
    settings = scene.injection.settings
    client = boto3.session.Session().client("fis", region_name=REGION, endpoint_url=settings["endpoint_url"])
    (one,) = (await asyncio.to_thread(client.list_experiments))["experiments"]
    assert ("running", settings["template_id"]) == (one["state"]["status"], one["experimentTemplateId"])
    assert len(one["tags"]["brownout-run"]) >= 32


async def _through_it(scene: Scene) -> None:
    """Take the customer's way through the proxy: what somebody's services would have."""
    url = f"{scene.injection.settings['url']}/proxies/checkout"
    host, port = scene.live.addresses[scene.at]
    async with scene.live.session.post(url, json={"upstream": f"{host}:{port}"}) as reply:
        listen = str((await reply.json())["listen"])
    host, _, through = listen.rpartition(":")
    scene.live.addresses[scene.at] = (host, int(through))


@trial(
    "toxiproxy",
    besides=_somebodys_toxiproxy,
    settings={"toxic": "latency", "attributes": {"latency": 300}},
    real=True,
)
async def every_byte_is_late(scene: Scene) -> None:
    """Through that proxy the first token is 0.3 s later than it would be."""
    await _through_it(scene)
    seen = await scene.ask()
    assert (True, True) == (seen.whole, seen.tokens_s[0] >= 0.4)


@trial(
    "toxiproxy",
    besides=_somebodys_toxiproxy,
    settings={"toxic": "limit_data", "attributes": {"bytes": 10}},
    real=True,
)
async def ten_bytes_and_no_more(scene: Scene) -> None:
    """Through that proxy no answer comes whole."""
    await _through_it(scene)
    seen = await scene.ask()
    assert (False, True) == (seen.whole, seen.broken is not None)


@trial("toxiproxy", besides=_somebodys_toxiproxy, settings={"down": True}, real=True)
async def nobody_listens_there(scene: Scene) -> None:
    """Connections through that proxy are refused."""
    await _through_it(scene)
    assert (await scene.ask()).refused_connection
