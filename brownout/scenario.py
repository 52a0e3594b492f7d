"""Scenario: one test of a suite as data: faults to inject, promises to keep, features needed.

A suite's test is a function that bears a scenario; its docstring says what is promised. The gate reads the scenarios
and plays them; pytest runs the same functions, whose only work is ``run.must_hold()``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from brownout.errors import unknown
from brownout.placing import Placed, place
from brownout.plan import PlannedInjection, TestPlan
from brownout.schedule import Scope, Timing
from brownout.slo import Slo, parse_slo
from brownout.target import FEATURES, Target
from brownout.topology import Topology
from brownout.workload import Arrival, Workload

F = TypeVar("F", bound=Callable[..., Any])


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how hard: seconds before, during and after the faults, and requests per second.

    ``settle_s`` is what the recovery window gives beyond the target's ``recover_within_s``, so that "within" can be
    seen.
    """

    name: str
    baseline_s: float
    fault_s: float
    settle_s: float
    rate_rps: float
    patience_s: float


PROFILES = {
    # Long enough to see that everything is wired, too short for a p99 or a ramp.
    "smoke": Profile(name="smoke", baseline_s=3, fault_s=3, settle_s=1, rate_rps=12, patience_s=4),
    "fast": Profile(name="fast", baseline_s=5, fault_s=10, settle_s=3, rate_rps=10, patience_s=8),
    "full": Profile(name="full", baseline_s=15, fault_s=30, settle_s=10, rate_rps=15, patience_s=20),
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


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One test as data. ``must`` maps SLO text to the features it needs (none: a core promise)."""

    test: str
    why: str
    injections: tuple[Inject, ...]
    must: dict[str, tuple[str, ...]]
    tenants: dict[str, float]


def scenario(
    *injections: Inject, must: Mapping[str, Sequence[str]], tenants: Mapping[str, float] | None = None
) -> Callable[[F], F]:
    """Attach a scenario to a suite's test function; its name and docstring become the test's.

    Args:
        injections: the faults, all within the profile's fault window.
        must: SLO texts, each with the features a target must declare to be held to it.
        tenants: shares of traffic by tenant; left out, equal shares.

    Texts may name roles that the topology fills: ``{home}``, a tenant that may use the primary endpoint; ``{pinned}``,
    one that may use nothing in its region. ``{recover_within_s}`` is the target's. Places have roles too: see
    `brownout.topology.Topology.select`.
    """

    def attach(function: F) -> F:
        made = Scenario(
            test=function.__name__.removeprefix("test_").replace("_", "-"),
            why=" ".join((function.__doc__ or "").split()),
            injections=injections,
            must={text: tuple(needs) for text, needs in must.items()},
            tenants=dict(tenants or {}),
        )
        function.scenario = made  # type: ignore[attr-defined]
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
    roles = _roles(target, topology)
    missing = sorted({role for one in made.injections for role in _missing(one.at, roles)})
    planned = [
        planned
        for index, one in enumerate(made.injections)
        if not missing
        for planned in _plan_injection(index, one, _filled(one.at, roles), profile, topology, where)
    ]
    promises, lacking = _promises(made, target, topology, planned, roles, where=where, started=started)
    shares = {_filled(name, roles): share for name, share in made.tenants.items() if not _missing(name, roles)}
    for tenant in shares:
        if tenant not in topology.tenants:
            raise unknown("tenant", tenant, topology.tenants, where=where)
    return TestPlan(
        test=made.test,
        suite=suite,
        why=made.why,
        workload=Workload(
            arrival=msgspec.structs.replace(arrival or Arrival(), rate_rps=profile.rate_rps),
            duration_s=profile.baseline_s + profile.fault_s + target.recover_within_s + profile.settle_s,
            tenants=shares,
            patience_s=profile.patience_s,
        ),
        injections=planned,
        promises=promises,
        recover_within_s=target.recover_within_s,
        lacking=lacking,
        skipped=missing,
    )


# What a suite may leave to the topology and the target, and what it is called where there is none.
_ROLES = {
    "home": "topology: a tenant that may use the primary endpoint",
    "pinned": "topology: a tenant that may use nothing in the primary region",
    "recover_within_s": "",
}


def _roles(target: Target, topology: Topology) -> dict[str, str | None]:
    return {
        "home": topology.home_tenant,
        "pinned": topology.pinned_tenant,
        "recover_within_s": f"{target.recover_within_s:g}s",
    }


def _missing(text: str, roles: Mapping[str, str | None]) -> list[str]:
    return [_ROLES[role] for role, name in roles.items() if name is None and "{" + role + "}" in text]


def _filled(text: str, roles: Mapping[str, str | None]) -> str:
    for role, name in roles.items():
        text = text.replace("{" + role + "}", name or role)
    return text


def _plan_injection(
    index: int, one: Inject, at: str, profile: Profile, topology: Topology, where: str
) -> list[PlannedInjection]:
    placed = Placed(
        id=f"{one.fault}-{index + 1}",
        fault=one.fault,
        settings=one.settings,
        at=at,
        timing=Timing(
            at_s=profile.baseline_s + one.from_ * profile.fault_s,
            for_s=(one.to - one.from_) * profile.fault_s,
        ),
        scope=one.scope,
    )
    return place(placed, topology, seed=0, where=where)


def _promises(
    made: Scenario,
    target: Target,
    topology: Topology,
    planned: Sequence[PlannedInjection],
    roles: Mapping[str, str | None],
    *,
    where: str,
    started: bool,
) -> tuple[dict[str, str], dict[str, list[str]]]:
    promises, lacking = {}, {}
    must = dict(made.must)
    must["foreign_answers <= 0"] = ()  # whatever is tested, nobody may be given another's answer
    if started:
        must["target_exits <= 0"] = ()  # a target that crashes fails every test it crashes in
    for text, needs in must.items():
        for feature in needs:
            if feature not in FEATURES:
                raise unknown("feature", feature, FEATURES, where=where)
        resolved = _filled(text, roles)
        slo = parse_slo(resolved, where=where, faults=[one.fault for one in made.injections])
        missing = [*_missing(text, roles), *target.lacks(list(needs))]
        if "failover" in needs and not missing:
            missing = _nowhere_to_go(slo, topology, planned)
        _check_filters(slo, topology, where, skip=bool(missing))
        promises[slo.short_name] = resolved
        if missing:
            lacking[slo.short_name] = missing
    return promises, lacking


def _nowhere_to_go(slo: Slo, topology: Topology, planned: Sequence[PlannedInjection]) -> list[str]:
    """Nobody can be asked to fail over who has nowhere to go: neither one tenant, nor all that a fault touches."""
    hit = {name for one in planned for name in one.endpoints}
    touched = {name: set(tenant.allow) for name, tenant in topology.tenants.items() if hit & set(tenant.allow)}
    asked = [slo.filters["tenant"]] if "tenant" in slo.filters else list(touched)
    stuck = [name for name in asked if name in touched and not touched[name] - hit]
    if not stuck or len(stuck) < len(asked):
        return []
    return [f"topology: an endpoint for {', '.join(stuck)} that the fault leaves alone"]


def _check_filters(slo: Slo, topology: Topology, where: str, *, skip: bool) -> None:
    """A filter that nobody can match would be a promise that nobody can judge."""
    known = {
        "tenant": list(topology.tenants),
        "class": ["interactive", "background"],
        "stream": ["true", "false"],
    }
    for key, value in slo.filters.items():
        if not skip and key in known and value not in known[key]:
            raise unknown(key, value, known[key], where=f"{where}: SLO {slo.text!r}")
