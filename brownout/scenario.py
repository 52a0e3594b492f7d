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
from brownout.promising import Roles, make_promises
from brownout.schedule import Scope, Timing
from brownout.target import Target
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
    roles = Roles(topology, target.recover_within_s)
    missing = sorted({role for one in made.injections for role in roles.missing(one.at)})
    planned = [
        planned
        for index, one in enumerate(made.injections)
        if not missing
        for planned in _plan_injection(index, one, roles.filled(one.at), profile, topology, where)
    ]
    promises, lacking = make_promises(
        made.must,
        target=target,
        topology=topology,
        roles=roles,
        faults=[one.fault for one in made.injections],
        planned=planned,
        started=started,
        where=lambda _: where,
    )
    shares = {roles.filled(name): share for name, share in made.tenants.items() if not roles.missing(name)}
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
