"""What a planted router says of itself."""

from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from brownout.clock import Clock
from faults.network.embedded import EmbeddedPlane
from fixtures.router.batch_job import BatchJob
from fixtures.router.batches import Batches
from fixtures.router.breaker import Breaker
from fixtures.router.credentials import Workload
from fixtures.router.parts import Parts
from fixtures.router.policy import Policy, Settings
from fixtures.router.renewal import Kept
from fixtures.router.server import Router
from fixtures.router.shaping import Shaper
from fixtures.router.shedding import Room
from fixtures.router.tally import Tally
from fixtures.router.world_file import WorldFile
from fixtures.virtual import MakePlane

Make = Callable[[WorldFile, Clock, aiohttp.BaseConnector], Router]


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One defect; of a router, or (``plane``) of the fault plane that a good router is judged on.

    ``caught_by`` is its own promise: the metric that must turn red. ``also`` are metrics that break with it, as a
    consequence (``why`` says of what); any other red is a false alarm. ``seen_in`` is a test that shows it. ``layer``
    is the layer of evidence that is meant to see a leak: leaks are played on the boundary's suite alone, and other
    defects on all but that.

    ``like`` is another defect that breaks the same promises along the same path (``like_why`` says which): the selftest
    then plays this one only on the test that shows it, unless it is asked for all.
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
    like: str = ""
    like_why: str = ""


def with_policy(policy: type[Policy]) -> Make:
    """Return the maker of a reference router with another policy."""
    return Parts(policy=policy)


def with_breaker(breaker: type[Breaker]) -> Make:
    """Return the maker of a reference router that keeps its endpoints' health in another way."""
    return Parts(policy=type("_Policy", (Policy,), {"breaker": breaker}))


def with_room(room: type[Room]) -> Make:
    """Return the maker of a reference router that divides what an endpoint takes in another way."""
    return Parts(policy=type("_Policy", (Policy,), {"room": room}))


def with_router(router: type[Router]) -> Make:
    """Return the maker of another router around the reference policy."""
    return Parts(router=router)


def with_settings(settings: Settings) -> Make:
    """Return the maker of a reference router with other figures."""
    return Parts(settings=settings)


def with_workload(workload: type[Workload]) -> Make:
    """Return the maker of a reference router that gets its credentials in another way."""
    return Parts(workload=workload)


def with_kept(kept: type[Kept[Any]]) -> Make:
    """Return the maker of a reference router that keeps its credentials in another way."""
    return Parts(workload=type("_Workload", (Workload,), {"kept": kept}))


def with_shaper(shaper: type[Shaper]) -> Make:
    """Return the maker of a reference router that splits and copies traffic in another way."""
    return Parts(shaper=shaper)


def with_batches(job: type[BatchJob]) -> Make:
    """Return the maker of a reference router that keeps its batches in another way."""
    return Parts(batches=type("_Batches", (Batches,), {"job": job}))


def with_tally(tally: type[Tally]) -> Make:
    """Return the maker of a reference router that counts in another way."""
    return Parts(tally=tally)
