"""Placing: from a fault, a place, a timing and a scope, as people write them, to injections, all of them checked."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from brownout.clock import rng_for
from brownout.errors import BadInput, unknown
from brownout.fault import Choosy, Fault, NetworkFault, Scalable, make_fault, settings_of
from brownout.plan import TARGET, ClockName, PlannedInjection
from brownout.schedule import Scope, Timing, touches
from brownout.topology import Topology

_BY_REQUEST = ("reply", "wire")


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A fault, where, when and for whom, as it was written.

    Attributes:
        id: unique in its test; a fault that comes several times gets numbers after it.
        fault: its kind.
        settings: its settings.
        at: a place; see `brownout.topology.Topology.select`, or ``target``.
    """

    id: str
    fault: str
    settings: Mapping[str, Any]
    at: str
    timing: Timing
    scope: Scope = Scope()


def place(placed: Placed, topology: Topology, *, seed: int, where: str = "") -> list[PlannedInjection]:
    """Return the injections that this means; none, where chance decided that it does not come.

    Args:
        placed: what was written.
        topology: where.
        seed: what chance starts from.
        where: what to begin an error with.

    Raises:
        BadInput: an unknown fault, setting, place, tenant or model, or a combination that cannot be.
    """
    made = make_fault(placed.fault, placed.settings, where=where)
    begin = f"{where}: " if where else ""
    endpoints = _endpoints(made, placed, topology, where, begin)
    _check_scope(made, placed, topology, where, begin)
    _check_ramp(made, placed.timing, begin)
    times = list(placed.timing.occurrences(rng_for(seed, "schedule", placed.id)))
    repeated = placed.timing.repeat is not None
    return [
        PlannedInjection(
            id=f"{placed.id}.{number}" if repeated else placed.id,
            fault=placed.fault,
            settings=settings_of(made),
            at=placed.at,
            endpoints=endpoints,
            at_s=at_s,
            for_s=placed.timing.for_s,
            ramp_s=placed.timing.ramp_s,
            ramp_down_s=placed.timing.ramp_down_s,
            share=placed.scope.share,
            tenants=placed.scope.tenants,
            models=placed.scope.models,
            colour=made.entry.colour,
            needs=made.entry.needs,
        )
        for number, at_s in times
    ]


def check_playable(injections: Sequence[PlannedInjection], *, clock: ClockName, started: bool, where: str = "") -> None:
    """Check that injections can be had where a test is to be played.

    Args:
        injections: the test's.
        clock: which clock it is played on.
        started: whether brownout starts the target itself (in virtual time it always does).
        where: what to begin an error with.

    Raises:
        BadInput: a fault that the clock has no room for, or that strikes a process that is not brownout's.
    """
    begin = f"{where}: " if where else ""
    for one in injections:
        made = make_fault(one.fault, one.settings, where=where)
        if clock not in made.entry.clocks:
            raise BadInput(
                f"{begin}{made.kind} cannot be had on the {clock} clock, where there is nothing that it could act on. "
                f"Use --clock {made.entry.clocks[0]}, or leave it out."
            )
        if _strikes_anothers(made, clock, started=started):
            raise BadInput(
                f"{begin}{made.kind} strikes the router's process, which must be one that brownout started, and this "
                "target runs already (url:). Give the target's file start: instead, or leave the fault out."
            )


def unplayable(injections: Sequence[PlannedInjection], *, clock: ClockName, started: bool) -> list[str]:
    """Return which of the injections cannot be had where a test is to be played, in words for who reads its verdict.

    Args:
        injections: the test's.
        clock: which clock it is played on.
        started: as in `check_playable`.
    """
    made = [make_fault(one.fault, one.settings) for one in injections]
    no_room = [f"{one.kind} on the {clock} clock" for one in made if clock not in one.entry.clocks]
    anothers = [
        f"{one.kind} of a target that runs already" for one in made if _strikes_anothers(one, clock, started=started)
    ]
    return list(dict.fromkeys([*no_room, *anothers]))


def _strikes_anothers(made: Fault, clock: ClockName, *, started: bool) -> bool:
    return made.acts_on == TARGET and clock == "real" and not started


def _endpoints(made: Fault, placed: Placed, topology: Topology, where: str, begin: str) -> list[str]:
    if made.acts_on == TARGET:
        if placed.at != TARGET:
            raise BadInput(f"{begin}{made.kind} strikes the router itself: write at: {TARGET}, not {placed.at!r}.")
        return []
    if placed.at == TARGET:
        raise BadInput(f"{begin}{made.kind} does not act on the router's process; name an endpoint, region or cloud.")
    names = topology.select(placed.at, where=where)
    if isinstance(made, Choosy):
        for name in names:
            if reason := made.unfit(topology.endpoint(name)):
                raise BadInput(f"{begin}{made.kind} at {name}: {reason}")
    return names


def _check_scope(made: Fault, placed: Placed, topology: Topology, where: str, begin: str) -> None:
    scope = placed.scope
    if made.acts_on not in _BY_REQUEST and (scope.tenants or scope.models):
        raise BadInput(
            f"{begin}{made.kind} acts on {made.acts_on}, where a request's tenant and model are not known. "
            "Leave tenants and models out, or choose a fault that acts on replies (see: brownout faults)."
        )
    if made.acts_on not in (*_BY_REQUEST, "network") and scope.share < 1:
        raise BadInput(f"{begin}{made.kind} acts on {made.acts_on}, which has no share of requests. Leave share out.")
    if isinstance(made, NetworkFault) and made.acts_on == "network" and scope.share < 1 and _shuts_the_door(made):
        raise BadInput(f"{begin}{made.kind} with these settings refuses every connection alike. Leave share out.")
    for tenant in scope.tenants:
        if tenant not in topology.tenants:
            raise unknown("tenant", tenant, topology.tenants, where=where)
    models = {endpoint.model for endpoint in topology.endpoints}
    for pattern in scope.models:
        if not any(touches(model, [pattern]) for model in models):
            raise unknown("model", pattern, models, where=where)


class _DryLink:
    """A link on which nothing happens, to see what a fault would do to it."""

    endpoint, host, port = "", "127.0.0.1", 0

    def __init__(self) -> None:
        self.disabled = False

    async def disable(self) -> None:
        self.disabled = True

    async def add_toxic(
        self, kind: str, attributes: Mapping[str, int], *, stream: str = "downstream", toxicity: float = 1.0
    ) -> None:
        pass


def _shuts_the_door(made: NetworkFault) -> bool:
    """A listener is there for all or for none; toxics may spare a part of the connections."""
    link = _DryLink()
    setting = made.inject(link)
    with contextlib.suppress(StopIteration):
        while True:
            setting.send(None)  # nothing on a dry link is waited for
    return link.disabled


def _check_ramp(made: Fault, timing: Timing, begin: str) -> None:
    if (timing.ramp_s or timing.ramp_down_s) and made.acts_on not in _BY_REQUEST and not isinstance(made, Scalable):
        raise BadInput(f"{begin}{made.kind} is on or off, and has no strength that could rise. Leave ramp_s out.")
