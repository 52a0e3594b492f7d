"""Trials: every fault is put on in a whole world, met there by a customer, taken off, and found to be gone.

A trial says what a customer of the endpoint sees while the fault is on, and what it saw before: one function that asks
and asserts. The rest is the same for all (`test_every_fault.py`).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

import faults  # noqa: F401 - registers every fault
from brownout.capacity import Behind, Limits
from brownout.clock import LoopClock
from brownout.evidence import FaultRecord, ProviderRecord
from brownout.placing import Placed, place
from brownout.plan import PlannedInjection
from brownout.schedule import Scope, Timing
from brownout.topology import Endpoint, Tenant, Topology
from brownout.virtual import VirtualConnector, run_virtual
from faults.network.embedded import EmbeddedPlane
from fixtures.world import World, WorldSpec
from tests.live import Live, Seen, endpoint

SEED = 7
_CALM = Limits(ttft_s=0.1, inter_token_s=0.01, jitter=0.0)


def trial_endpoint(name: str, dialect: str, behind: Behind = None) -> Endpoint:
    """Return an endpoint whose replies come at an even pace."""
    return endpoint(name, dialect, behind, _CALM)


DEFAULT_ENDPOINTS = (
    trial_endpoint("openai", "openai-chat"),
    trial_endpoint("bedrock", "bedrock-converse"),
    trial_endpoint("sagemaker", "sagemaker-invoke"),
    trial_endpoint("vertex", "vertex-generate"),
    trial_endpoint("anthropic", "anthropic-messages"),
)


@dataclass
class Scene:
    """A world that is up, a customer, and what the injector wrote.

    Attributes:
        live: asks as a careful client would, by way of the fault plane; ``live.cloud`` is the emulated cloud.
        at: the trial's endpoint.
        faults: what the injector wrote.
        injection: what is on.
    """

    live: Live
    world: World
    at: str
    faults: list[FaultRecord]
    injection: PlannedInjection

    async def ask(self, at: str = "", **changes: Any) -> Seen:
        """Ask the trial's endpoint, or another; changes are an `Ask`'s fields."""
        return await self.live.ask(at or self.at, **changes)

    async def wait(self, duration_s: float) -> None:
        """Let time pass."""
        await asyncio.sleep(duration_s)

    async def healthy(self) -> None:
        """Assert that a customer is served whole and at once, over a connection of its own."""
        seen = await self.ask()
        assert seen.whole, (seen.status, seen.refusal, seen.broken)
        assert (True, 8) == (seen.ended_s - seen.asked_s < 1.0, len(seen.tokens))

    async def put_on(self) -> None:
        """Put the fault on."""
        await self.world.injector.inject(self.injection)

    async def lift(self) -> FaultRecord:
        """Take it off; return what was written of that."""
        await self.world.injector.lift(self.injection.id)
        return self.faults[-1]


Meets = Callable[[Scene], Awaitable[None]]
Besides = Callable[[], contextlib.AbstractAsyncContextManager[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One way to meet a fault.

    Attributes:
        meets: asks while it is on, and asserts what a customer sees.
        at: where it is put on, of ``endpoints``; the first of several is the one that is asked.
        settings: the fault's.
        timing: at_s is ignored.
        real: whether it needs real sockets and processes, and cannot be had in virtual time.
        besides: raises what must stand besides the world, and gives the settings that come of it (a port).
        cured: brings the customer back to health after the lift, where that needs something (new credentials).
    """

    kind: str
    name: str
    meets: Meets
    at: str = "openai"
    settings: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    timing: Timing = field(default_factory=lambda: Timing(at_s=0, for_s=60))
    endpoints: tuple[Endpoint, ...] = DEFAULT_ENDPOINTS
    real: bool = False
    besides: Besides | None = None
    cured: Meets | None = None

    @property
    def topology(self) -> Topology:
        """The trial's world."""
        tenants = {"acme": Tenant(allow=[one.name for one in self.endpoints])}
        return Topology(topology="trial", endpoints=list(self.endpoints), tenants=tenants)


TRIALS: list[Trial] = []


def trial(kind: str, **changes: Any) -> Callable[[Meets], Meets]:
    """Register a function as a trial of a fault; see `Trial` for what may be changed."""

    def register(meets: Meets) -> Meets:
        TRIALS.append(Trial(kind=kind, name=getattr(meets, "__name__", kind), meets=meets, **changes))
        return meets

    return register


@contextlib.asynccontextmanager
async def raised(one: Trial, folder: Path) -> AsyncIterator[Scene]:
    """Raise a trial's world, with nothing on yet."""
    topology = one.topology
    clock = LoopClock()
    seen: list[ProviderRecord] = []
    wrote: list[FaultRecord] = []
    world = World(
        WorldSpec(test="t", seed=SEED, topology=topology, folder=str(folder), epoch_s=clock.epoch_s, lease_s=1e6),
        clock=clock,
        plane=EmbeddedPlane(SEED),
        record=seen.append,
        record_fault=wrote.append,
    )
    await world.start()
    connector = aiohttp.TCPConnector if one.real else VirtualConnector
    try:
        # Every request has a connection of its own: nothing that was open before hides a fault.
        async with aiohttp.ClientSession(connector=connector(limit=0, force_close=True)) as session:
            addresses = {name: (link.host, link.port) for name, link in world.links.items()}
            live = Live(world.cloud, session, seen, clock, topology, addresses)
            placed = Placed(
                id="i", fault=one.kind, settings=one.settings, at=one.at, timing=one.timing, scope=one.scope
            )
            (injection,) = place(placed, topology, seed=SEED)
            yield Scene(live, world, injection.endpoints[0], wrote, injection)
    finally:
        await world.close()


def play(one: Trial, folder: Path, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a story in a trial's world, on the clock that it needs."""

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            more = await stack.enter_async_context(one.besides()) if one.besides else {}
            told = replace(one, settings={**one.settings, **more})
            await story(await stack.enter_async_context(raised(told, folder)))

    if one.real:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    else:
        run_virtual(main())
