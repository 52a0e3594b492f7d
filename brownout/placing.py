"""Placing: from a fault, a place, a timing and a scope as people write them to injections, every one of them checked."""

from collections.abc import Mapping
from typing import Any

import msgspec

from brownout.clock import rng_for
from brownout.errors import BadInput, unknown
from brownout.fault import Choosy, Fault, Scalable, make_fault, settings_of
from brownout.plan import PlannedInjection
from brownout.schedule import Scope, Timing, touches
from brownout.topology import Topology

TARGET = "target"
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
        )
        for number, at_s in times
    ]


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
    for tenant in scope.tenants:
        if tenant not in topology.tenants:
            raise unknown("tenant", tenant, topology.tenants, where=where)
    models = {endpoint.model for endpoint in topology.endpoints}
    for pattern in scope.models:
        if not any(touches(model, [pattern]) for model in models):
            raise unknown("model", pattern, models, where=where)


def _check_ramp(made: Fault, timing: Timing, begin: str) -> None:
    if (timing.ramp_s or timing.ramp_down_s) and made.acts_on not in _BY_REQUEST and not isinstance(made, Scalable):
        raise BadInput(f"{begin}{made.kind} is on or off, and has no strength that could rise. Leave ramp_s out.")
