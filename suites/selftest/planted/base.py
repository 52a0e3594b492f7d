"""What a planted router says of itself."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import msgspec

from brownout.clock import Clock
from brownout.wire import Event, Refusal
from faults.network.embedded import EmbeddedPlane
from fixtures.router.credentials import Workload
from fixtures.router.policy import Policy, Settings
from fixtures.router.renewal import Kept
from fixtures.router.server import Router
from fixtures.router.shaping import Shaper
from fixtures.router.tally import Tally
from fixtures.router.world_file import WorldFile
from fixtures.virtual import MakePlane

Make = Callable[[WorldFile, Clock, aiohttp.BaseConnector], Router]
Instead = Callable[[Refusal], Awaitable[Sequence[Event]]]


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One defect; of a router, or (``plane``) of the fault plane that a good router is judged on.

    ``caught_by`` is its own promise: the metric that must turn red. ``also`` are metrics that break with it, as a
    consequence (``why`` says of what); any other red is a false alarm. ``seen_in`` is a test that shows it. ``layer``
    is the layer of evidence that is meant to see a leak: leaks are played on the boundary's suite alone, and other
    defects on all but that.
    """

    name: str
    about: str
    make: Make
    caught_by: str
    plane: MakePlane = EmbeddedPlane
    also: frozenset[str] = frozenset()
    why: str = ""
    seen_in: str = ""
    layer: str = ""


def with_policy(policy: type[Policy]) -> Make:
    """Return the maker of a reference router with another policy."""
    return lambda world, clock, connector: Router(world, clock=clock, connector=connector, policy=policy)


def with_router(router: type[Router]) -> Make:
    """Return the maker of another router around the reference policy."""
    return lambda world, clock, connector: router(world, clock=clock, connector=connector)


def with_settings(settings: Settings) -> Make:
    """Return the maker of a reference router with other figures."""
    return lambda world, clock, connector: Router(world, clock=clock, connector=connector, settings=settings)


def with_workload(workload: type[Workload]) -> Make:
    """Return the maker of a reference router that gets its credentials in another way."""
    return lambda world, clock, connector: Router(world, clock=clock, connector=connector, workload=workload)


def with_kept(kept: type[Kept[Any]]) -> Make:
    """Return the maker of a reference router that keeps its credentials in another way."""
    return with_workload(type("_Workload", (Workload,), {"kept": kept}))


def with_shaper(shaper: type[Shaper]) -> Make:
    """Return the maker of a reference router that splits and copies traffic in another way."""

    def make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
        router = Router(world, clock=clock, connector=connector)
        router.shaper = shaper(world.shaping)
        return router

    return make


def with_tally(tally: type[Tally]) -> Make:
    """Return the maker of a reference router that counts in another way."""

    def make(world: WorldFile, clock: Clock, connector: aiohttp.BaseConnector) -> Router:
        router = Router(world, clock=clock, connector=connector)
        router.tally = tally()
        return router

    return make


async def or_instead(
    events: AsyncIterator[Event], instead: Instead, *, begun: bool = False
) -> AsyncGenerator[Event, None]:
    """Yield an answer's events; where a refusal comes before the first of them, what is said instead of it.

    Args:
        events: the answer, of a request or of one attempt.
        instead: what to say, or a refusal raised again.
        begun: the other way round: for a refusal that breaks an answer, and not for one that comes before it.
    """
    came = False
    try:
        async for event in events:
            came = True
            yield event
    except Refusal as refusal:
        if came is not begun:
            raise
        for event in await instead(refusal):
            yield event
