"""Planning: a scenario, resolved for one target on one topology."""

from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec

from brownout.errors import unknown
from brownout.placing import Placed, place
from brownout.plan import BURST, PlannedInjection, TestPlan
from brownout.promising import Roles, make_promises
from brownout.scenario import Inject, Profile, Scenario
from brownout.schedule import Timing
from brownout.target import Target
from brownout.telemetry import Says
from brownout.topology import Capacity, Endpoint, Topology
from brownout.workload import PLANTED_DIALECT, Arrival, Batches, Burst, Workload

_RECOVERY_MIN_S = 8.0
_ASKED_AGAIN_S = 1.0  # after a cooldown, until requests of each tenant have met an endpoint again
"""The shortest recovery window: in less time too few requests come to tell whether each tenant is served again."""
_BATCH_PATIENCE = 2.0  # times that for a single request: a batch may wait out a fault
_LEAVERS_MIN = 5


def plan_test(
    made: Scenario,
    *,
    suite: str,
    profile: Profile,
    target: Target,
    topology: Topology,
    started: bool,
    arrival: Arrival | None = None,
) -> TestPlan:
    """Resolve a scenario for a target and a topology, checking all of it.

    Raises:
        BadInput: an unknown fault, setting, place, metric, unit, tenant or feature.
    """
    where = f"suite {suite}, test {made.test}"
    shaped_at = f"target {target.target}: shaping"
    roles = Roles(topology, target)
    arrival = arrival or Arrival()
    missing = [*target.lacks(list(made.needs)), *_missing(made, roles, topology, target), *_unswinging(made, arrival)]
    missing += [*_unplanted(made, target), *_unbatched(made, target), *_felt(made, target)]
    times = _times(made, profile, target)
    sized = [] if missing else _sized(made, roles, topology, where)
    planned = [
        planned
        for index, one in enumerate(made.injections)
        if not missing
        for planned in _plan_injection(index, one, roles, times, _in_size(topology, sized), where)
    ]
    promises, lacking = make_promises(
        made.must,
        target=target,
        topology=topology,
        roles=roles,
        windows=[*(one.fault for one in made.injections), *([BURST] if made.load.swings else [])],
        planned=planned,
        started=started,
        where=lambda _: where,
    )
    return TestPlan(
        test=made.test,
        suite=suite,
        why=made.why,
        workload=_workload(made, roles, times, target, topology, arrival, where),
        injections=planned,
        promises=promises,
        recover_within_s=target.recover_within_s,
        lacking=lacking,
        left_open=[name for name, features in lacking.items() if target.leaves_open(features)],
        skipped=missing,
        sized=sized,
        stretched=_stretched(made, profile, times, target),
        credentials_live_s=made.credentials_live * times.fault_s or None,
        shaping=None if missing or not _about_shaping(made, target) else target.shaping.on(topology, where=shaped_at),
        says=target.telemetry.told if target.telemetry.told != Says() else None,
        twin="" if missing else _twin(made, roles, topology, where),
    )


def _times(made: Scenario, profile: Profile, target: Target) -> Profile:
    """Return the profile as this test has it: nobody can fail over, cool down and be judged in less than that takes.

    Nor does anybody meet a fault that is over before an endpoint is asked again that another fault had it leave.
    """
    needed_s = target.failover_within_s + target.cooldown_s
    if made.successive > 1:
        needed_s = max(needed_s, made.successive * (target.cooldown_s + _ASKED_AGAIN_S))
    return msgspec.structs.replace(
        profile, fault_s=max(profile.fault_s, needed_s) * made.lasts, rate_rps=profile.rate_rps * made.load.times
    )


def _stretched(made: Scenario, profile: Profile, times: Profile, target: Target) -> str:
    usual_s = profile.fault_s * made.lasts
    if times.fault_s <= usual_s:
        return ""
    why = f"failover_within_s {target.failover_within_s:g} and cooldown_s {target.cooldown_s:g}"
    return f"its fault window lasts {times.fault_s:g} s and not {usual_s:g} s: the target declares {why}"


def _about_shaping(made: Scenario, target: Target) -> bool:
    return any(name in target.shaping.features for name in made.needs)


def _missing(made: Scenario, roles: Roles, topology: Topology, target: Target) -> list[str]:
    """Return what the topology lacks of the roles and kinds of capacity that the scenario is about."""
    places = [*(one.at for one in made.injections), *made.sized]
    places += target.shaping.places if _about_shaping(made, target) else []
    names = [*places, *(name for one in made.injections for name in one.scope.tenants)]
    names += [value for one in made.injections for value in one.settings.values() if isinstance(value, str)]
    names += [made.twin, *(name for swing in made.load.swings for name in swing.tenants)]
    lacking = {role for name in names for role in roles.missing(name)}
    has = {endpoint.capacity for endpoint in topology.endpoints}
    lacking |= {f"topology: an endpoint of capacity {kind}" for kind in get_args(Capacity) if kind in places} - {
        f"topology: an endpoint of capacity {kind}" for kind in has
    }
    proofs = {place for place in places if place.startswith("auth:") and not topology.has(place)}
    lacking |= {f"topology: an endpoint with {place}" for place in proofs}
    if topology.fallback is None and any("fallback" in place for place in places):
        lacking.add("topology: an endpoint for the home tenant outside the primary region")
    return sorted(lacking)


def _unswinging(made: Scenario, arrival: Arrival) -> list[str]:
    """Return why the load cannot swing as the scenario has it."""
    return (
        ["here: a load that swings (a trace brings its own)"] if made.load.swings and arrival.process == "trace" else []
    )


def _unplanted(made: Scenario, target: Target) -> list[str]:
    """Return why the load cannot bear canaries of all kinds: what does is a chat of OpenAI's."""
    planted = made.load.planted and target.dialect != PLANTED_DIALECT
    return [f"here: a planted load in {target.dialect} (there is one in {PLANTED_DIALECT})"] if planted else []


def _unbatched(made: Scenario, target: Target) -> list[str]:
    """Return why no batches can be handed in: OpenAI's Batch API is one of its chats'."""
    spoken = not made.load.batch_lines or target.dialect == PLANTED_DIALECT
    return [] if spoken else [f"here: batches in {target.dialect} (there are some in {PLANTED_DIALECT})"]


def _felt(made: Scenario, target: Target) -> list[str]:
    """Return why another secret may be felt by others without a leak: the target says that it routes by what it reads.

    That must be said. Who declares nothing, or not that, is held to it.
    """
    by_content = bool(made.twin) and "content-routing" in (target.declares or ())
    return ["here: a target that sends requests where what they say says (it declares content-routing)"] * by_content


def _sized(made: Scenario, roles: Roles, topology: Topology, where: str) -> list[Endpoint]:
    sized = {
        name: size.of(topology.endpoint(name))
        for at, size in made.sized.items()
        for name in topology.select(roles.filled(at), where=where)
    }
    return list(sized.values())


def _in_size(topology: Topology, sized: Sequence[Endpoint]) -> Topology:
    """Return the topology as the test has it: what a fault fits depends on what an endpoint can carry."""
    others = {endpoint.name: endpoint for endpoint in sized}
    endpoints = [others.get(endpoint.name, endpoint) for endpoint in topology.endpoints]
    return msgspec.structs.replace(topology, endpoints=endpoints)


def _workload(
    made: Scenario, roles: Roles, times: Profile, target: Target, topology: Topology, arrival: Arrival, where: str
) -> Workload:
    load = made.load
    recovery_s = max(target.recover_within_s, _RECOVERY_MIN_S)
    bursts = tuple(
        Burst(
            at_s=times.baseline_s + swing.from_ * times.fault_s,
            for_s=(swing.to - swing.from_) * times.fault_s,
            rate_rps=times.rate_rps * swing.times,
            tenants=_shares(swing.tenants, roles, topology, where),
            classes=swing.classes,
        )
        for swing in load.swings
        if not _unswinging(made, arrival)
    )
    return Workload(
        model=roles.filled(load.model),
        arrival=msgspec.structs.replace(arrival, rate_rps=times.rate_rps, bursts=bursts),
        duration_s=times.baseline_s + times.fault_s + recovery_s + times.settle_s,
        tenants=_shares(made.tenants, roles, topology, where),
        classes=load.classes,
        planted=load.planted,
        common_share=load.common_share,
        stream_share=load.stream_share,
        prompt_tokens=load.prompt_tokens,
        output_tokens=load.output_tokens,
        patience_s=load.patience_s or times.patience_s,
        leavers_min=_LEAVERS_MIN if load.patience_s else 0,
        batches=Batches(lines=load.batch_lines, patience_s=_BATCH_PATIENCE * times.patience_s),
    )


def _shares(given: Mapping[str, float], roles: Roles, topology: Topology, where: str) -> dict[str, float]:
    shares = {roles.filled(name): share for name, share in given.items() if not roles.missing(name)}
    for tenant in shares:
        if tenant not in topology.tenants:
            raise unknown("tenant", tenant, topology.tenants, where=where)
    return shares


def _twin(made: Scenario, roles: Roles, topology: Topology, where: str) -> str:
    tenant = roles.filled(made.twin)
    if tenant and tenant not in topology.tenants:
        raise unknown("tenant", tenant, topology.tenants, where=f"{where}: twin")
    return tenant


def _plan_injection(
    index: int, one: Inject, roles: Roles, times: Profile, topology: Topology, where: str
) -> list[PlannedInjection]:
    placed = Placed(
        id=f"{one.fault}-{index + 1}",
        fault=one.fault,
        settings={k: roles.filled(v) if isinstance(v, str) else v for k, v in one.settings.items()},
        at=roles.filled(one.at),
        timing=Timing(
            at_s=times.baseline_s + one.from_ * times.fault_s,
            for_s=(one.to - one.from_) * times.fault_s,
        ),
        scope=msgspec.structs.replace(one.scope, tenants=[roles.filled(name) for name in one.scope.tenants]),
    )
    return place(placed, topology, seed=0, where=where)
