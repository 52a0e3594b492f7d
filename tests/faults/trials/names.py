"""Trials of names that are gone and of certificates that nobody trusts: met by a customer who calls by name."""

import contextlib
from collections.abc import AsyncIterator
from typing import get_args

import aiohttp

from brownout.hands import Spoiled, Untrusted
from brownout.virtual import VirtualConnector
from brownout.wire import Ask, End, Event, Refusal
from fixtures.router.__main__ import connector_to
from fixtures.router.upstream import Upstream
from fixtures.router.world_file import read_world
from tests.faults.trial import Meets, Scene, trial

_WORDS = {"expired": "expired", "wrong-host": "mismatch", "unknown-authority": "issuer", "alert": "alert"}


@contextlib.asynccontextmanager
async def calling(scene: Scene, *, tls: bool = False) -> AsyncIterator[Upstream]:
    """Give a customer's way to the trial's endpoint by its host name, over TLS or plainly."""
    world = read_world(scene.world.path, tls=tls)
    clock = scene.live.clock
    connector = connector_to(world, clock) if tls else VirtualConnector(resolver=world.resolver(clock))
    settings = next(one for one in world.endpoints if one.name == scene.at)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Upstream(settings, session, clock)


async def answered(upstream: Upstream) -> str:
    """Ask; return why no connection could be made, or nothing when a whole answer came."""
    events: list[Event] = []
    try:
        events = [event async for event in upstream.events(Ask(model="", prompt="hello", max_tokens=4))]
    except Refusal as refusal:
        if not isinstance(refusal.__cause__, aiohttp.ClientConnectorError):
            raise
        return str(refusal.__cause__)
    assert isinstance(events[-1], End)
    return ""


def _name(how: Spoiled) -> Meets:
    async def meets(scene: Scene) -> None:
        """Who calls by name finds nobody, again and again; who knows the address is served."""
        async with calling(scene) as upstream:
            began_s = scene.live.clock.now_s()
            for _ in range(3):
                assert upstream.settings.host in await answered(upstream)
            assert (3.0 if how == "silent" else 0.0) == round(scene.live.clock.now_s() - began_s, 3)
        assert (await scene.ask()).whole

    meets.__name__ = f"a_name_{how}"
    return meets


def _certificate(how: Untrusted) -> Meets:
    async def meets(scene: Scene) -> None:
        """Who calls over TLS, and looks, makes no connection, and is told why; who calls plainly is served."""
        async with calling(scene, tls=True) as upstream:
            said = await answered(upstream)
            assert (True, True) == (bool(said), _WORDS.get(how, "") in said.lower()), said
        assert (await scene.ask()).whole

    meets.__name__ = f"a_handshake_{how}"
    return meets


for _how in get_args(Spoiled):
    trial("dns-gone", settings={"how": _how}, at="bedrock")(_name(_how))
for _how in get_args(Untrusted):
    trial("tls-broken", settings={"how": _how}, at="sagemaker", real=True)(_certificate(_how))
