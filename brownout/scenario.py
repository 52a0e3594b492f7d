"""Scenario: one test of a suite as data: faults to inject, load to keep up, promises to keep, features needed.

A suite's test is a function that bears a scenario, or several that differ in their faults; its docstring says what is
promised. The gate reads the scenarios and plays them; pytest runs the same functions, whose only work is
``run.must_hold()``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args

import msgspec

from brownout.capacity import Behind, Limits
from brownout.errors import BadInput, unknown
from brownout.placing import Placed, place
from brownout.plan import BURST, PlannedInjection, TestPlan
from brownout.promising import Roles, make_promises
from brownout.schedule import Scope, Timing
from brownout.target import Target
from brownout.telemetry import Says
from brownout.topology import Capacity, Endpoint, Topology
from brownout.workload import Arrival, Burst, TrafficClass, Workload

F = TypeVar("F", bound=Callable[..., Any])


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how hard: seconds before, during and after the faults, and requests per second.

    ``settle_s`` is what the recovery window gives beyond the target's ``recover_within_s``, so that "within" can be
    seen. ``whole``: every test is played, and not only those that a gate cannot do without.
    """

    name: str
    baseline_s: float
    fault_s: float
    settle_s: float
    rate_rps: float
    patience_s: float
    whole: bool = False


PROFILES = {
    # Long enough to see that everything is wired, too short for a p95 or a ramp.
    "smoke": Profile(name="smoke", baseline_s=3, fault_s=3, settle_s=1, rate_rps=12, patience_s=4),
    "fast": Profile(name="fast", baseline_s=5, fault_s=10, settle_s=3, rate_rps=10, patience_s=8),
    "full": Profile(name="full", baseline_s=10, fault_s=20, settle_s=5, rate_rps=10, patience_s=15, whole=True),
}


class Inject(msgspec.Struct, frozen=True, kw_only=True):
    """A fault, where and for whom. ``from_`` and ``to`` place it within the profile's fault window (ratios)."""

    fault: str
    at: str
    settings: dict[str, Any]
    scope: Scope = Scope()
    from_: float = 0.0
    to: float = 1.0


def inject(
    fault: str, at: str, *, from_: float = 0.0, to: float = 1.0, scope: Scope | None = None, **settings: Any
) -> Inject:
    """Return an injection for a scenario; see `Inject`."""
    return Inject(fault=fault, at=at, settings=settings, scope=scope or Scope(), from_=from_, to=to)


class Swing(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the fault window (ratios) in which the rate is ``times`` the profile's, and the mix another one.

    ``tenants`` may name roles. What is left empty is as usual.
    """

    from_: float = 0.0
    to: float = 1.0
    times: float
    tenants: Mapping[str, float] = msgspec.field(default_factory=dict)
    classes: Mapping[TrafficClass, float] = msgspec.field(default_factory=dict)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario's traffic is, where it is not the usual one (see `Workload`).

    ``times`` is the rate as a multiple of the profile's; ``swings`` are in order of time, none over another. ``model``
    is what clients ask for, a role as a rule (``{experiment}``); empty for the target's own models.
    """

    times: float = 1.0
    model: str = ""
    swings: tuple[Swing, ...] = ()
    classes: Mapping[TrafficClass, float] = msgspec.field(default_factory=lambda: dict(Workload().classes))
    stream_share: float = Workload().stream_share
    prompt_tokens: tuple[int, int] = Workload().prompt_tokens
    output_tokens: tuple[int, int] = (6, 10)  # enough to cut in the middle; each token more is a dozen events more


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """How much an endpoint can carry, in a test that is about that. What is None is as the topology has it."""

    limits: Limits | None = None
    behind: Behind = None

    def of(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint in this size."""
        return msgspec.structs.replace(endpoint, limits=self.limits or endpoint.limits, behind=self.behind)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One test as data.

    Attributes:
        must: SLO texts, each with the features it needs (none: a core promise).
        needs: features without which the whole test is left out.
        fast: whether a gate cannot do without it.
        sized: endpoints in the size that the test is about, by the places they are at.
        lasts: how many times as long as the profile's its fault window is.
        credentials_live: how long what the world's identity services grant holds, in fault windows; 0: as long as ever.
    """

    test: str
    why: str
    injections: tuple[Inject, ...]
    must: dict[str, tuple[str, ...]]
    tenants: dict[str, float]
    load: Load = Load()
    sized: dict[str, Sized] = msgspec.field(default_factory=dict)
    needs: tuple[str, ...] = ()
    fast: bool = False
    lasts: float = 1.0
    credentials_live: float = 0.0


def scenario(
    *injections: Inject,
    must: Mapping[str, Sequence[str]],
    tenants: Mapping[str, float] | None = None,
    variants: Mapping[str, Sequence[Inject]] | None = None,
    load: Load | None = None,
    sized: Mapping[str, Sized] | None = None,
    needs: Sequence[str] = (),
    fast: bool = False,
    lasts: float = 1.0,
    credentials_live: float = 0.0,
) -> Callable[[F], F]:
    """Attach a scenario to a suite's test function; its name and docstring become the test's.

    Args:
        injections: the faults, all within the profile's fault window.
        must: SLO texts, each with the features a target must declare to be held to it.
        tenants: shares of traffic by tenant; left out, equal shares.
        variants: further faults by a word that is added to the test's name: one scenario each, alike in all else.
        load: see `Load`.
        sized: as in `Scenario`.
        needs: as in `Scenario`.
        fast: as in `Scenario`.
        lasts: as in `Scenario`.
        credentials_live: as in `Scenario`.

    Texts may name roles that the topology fills: ``{home}``, a tenant that may use the primary endpoint;
    ``{neighbour}``, a second one; ``{pinned}``, one that may use nothing in its region; ``{vendor}``, who made the
    model of the home tenant's first endpoint that tells it. ``{failover_within_s}``,
    ``{cooldown_s}`` and ``{recover_within_s}`` are the target's, and so is what it shapes (`brownout.promising.Roles`).
    Places have roles too: see `brownout.topology.Topology.select`. A window may name a fault, ``faults``, or ``burst``
    for the load's swings.
    """

    def attach(function: F) -> F:
        name = function.__name__.removeprefix("test_").replace("_", "-")
        function.scenarios = tuple(  # type: ignore[attr-defined]
            Scenario(
                test=f"{name}-{word}" if word else name,
                why=" ".join((function.__doc__ or "").split()),
                injections=(*injections, *others),
                must={text: tuple(needs) for text, needs in must.items()},
                tenants=dict(tenants or {}),
                load=load or Load(),
                sized=dict(sized or {}),
                needs=tuple(needs),
                fast=fast,
                lasts=lasts,
                credentials_live=credentials_live,
            )
            for word, others in (variants or {"": ()}).items()
        )
        return function

    return attach


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
    missing = [*target.lacks(list(made.needs)), *_missing(made, roles, topology, target)]
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
        workload=_workload(made, roles, times, target, topology, arrival or Arrival(), where),
        injections=planned,
        promises=promises,
        recover_within_s=target.recover_within_s,
        lacking=lacking,
        skipped=missing,
        sized=sized,
        stretched=_stretched(made, profile, times, target),
        credentials_live_s=made.credentials_live * times.fault_s or None,
        shaping=None if missing or not _about_shaping(made, target) else target.shaping.on(topology, where=shaped_at),
        says=target.telemetry.told if target.telemetry.told != Says() else None,
    )


def _times(made: Scenario, profile: Profile, target: Target) -> Profile:
    """Return the profile as this test has it: nobody can fail over, cool down and be judged in less than that takes."""
    needed_s = target.failover_within_s + target.cooldown_s
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
    names += [name for swing in made.load.swings for name in swing.tenants]
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
    if load.swings and arrival.process == "trace":
        raise BadInput(f"{where}: its load swings, and a trace brings its own rates. Leave --arrival out, or the test.")
    bursts = tuple(
        Burst(
            at_s=times.baseline_s + swing.from_ * times.fault_s,
            for_s=(swing.to - swing.from_) * times.fault_s,
            rate_rps=times.rate_rps * swing.times,
            tenants=_shares(swing.tenants, roles, topology, where),
            classes=swing.classes,
        )
        for swing in load.swings
    )
    return Workload(
        model=roles.filled(load.model),
        arrival=msgspec.structs.replace(arrival, rate_rps=times.rate_rps, bursts=bursts),
        duration_s=times.baseline_s + times.fault_s + target.recover_within_s + times.settle_s,
        tenants=_shares(made.tenants, roles, topology, where),
        classes=load.classes,
        stream_share=load.stream_share,
        prompt_tokens=load.prompt_tokens,
        output_tokens=load.output_tokens,
        patience_s=times.patience_s,
    )


def _shares(given: Mapping[str, float], roles: Roles, topology: Topology, where: str) -> dict[str, float]:
    shares = {roles.filled(name): share for name, share in given.items() if not roles.missing(name)}
    for tenant in shares:
        if tenant not in topology.tenants:
            raise unknown("tenant", tenant, topology.tenants, where=where)
    return shares


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
