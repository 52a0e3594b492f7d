"""Scenario: one test of a suite as data: faults to inject, promises to keep, features needed.

A suite's test is a function that bears a scenario; its docstring says what is promised. The gate reads the scenarios
and plays them; pytest runs the same functions, whose only work is ``run.must_hold()``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from brownout.errors import BadInput
from brownout.fault import make_fault, settings_of
from brownout.plan import PlannedInjection, TestPlan
from brownout.slo import parse_slo
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
    """A fault and where. ``from_`` and ``to`` place it within the profile's fault window (ratios)."""

    fault: str
    at: str
    settings: dict[str, Any]
    from_: float = 0.0
    to: float = 1.0


def inject(fault: str, at: str, *, from_: float = 0.0, to: float = 1.0, **settings: Any) -> Inject:
    """Return an injection for a scenario; see `Inject`."""
    return Inject(fault=fault, at=at, settings=settings, from_=from_, to=to)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One test as data. ``must`` maps SLO text to the features it needs (none: a core promise)."""

    test: str
    suite: str
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
    """

    def attach(function: F) -> F:
        made = Scenario(
            test=function.__name__.removeprefix("test_").replace("_", "-"),
            suite=function.__module__,
            why=" ".join((function.__doc__ or "").split()),
            injections=injections,
            must={text: tuple(needs) for text, needs in must.items()},
            tenants=dict(tenants or {}),
        )
        function.scenario = made  # type: ignore[attr-defined]
        return function

    return attach


def plan_test(
    made: Scenario, *, suite: str, profile: Profile, target: Target, topology: Topology, started: bool
) -> TestPlan:
    """Resolve a scenario for a target and a topology, checking all of it.

    Raises:
        BadInput: an unknown fault, setting, place, metric, unit, tenant or feature.
    """
    where = f"suite {suite}, test {made.test}"
    after_s = target.recover_within_s + profile.settle_s
    planned = [_plan_injection(index, one, profile, topology, where) for index, one in enumerate(made.injections)]
    promises, lacking = _promises(made, target, planned, where=where, started=started)
    for tenant in made.tenants:
        if tenant not in topology.tenants:
            raise BadInput(f"{where}: unknown tenant {tenant!r}. Known: {', '.join(topology.tenants)}.")
    return TestPlan(
        test=made.test,
        suite=suite,
        why=made.why,
        workload=Workload(
            arrival=Arrival(process="poisson", rate_rps=profile.rate_rps),
            duration_s=profile.baseline_s + profile.fault_s + after_s,
            tenants=made.tenants,
            patience_s=profile.patience_s,
        ),
        injections=planned,
        promises=promises,
        recover_within_s=target.recover_within_s,
        lacking=lacking,
    )


def _plan_injection(index: int, one: Inject, profile: Profile, topology: Topology, where: str) -> PlannedInjection:
    made = make_fault(one.fault, one.settings, where=where)
    return PlannedInjection(
        id=f"{one.fault}-{index + 1}",
        fault=one.fault,
        settings=settings_of(made),
        at=one.at,
        endpoints=topology.select(one.at, where=where),
        at_s=profile.baseline_s + one.from_ * profile.fault_s,
        for_s=(one.to - one.from_) * profile.fault_s,
        colour=made.colour,
    )


def _promises(
    made: Scenario, target: Target, planned: list[PlannedInjection], *, where: str, started: bool
) -> tuple[dict[str, str], dict[str, list[str]]]:
    promises, lacking = {}, {}
    must = dict(made.must)
    if started:
        must["target_exits <= 0"] = ()  # a target that crashes fails every test it crashes in
    for text, needs in must.items():
        for feature in needs:
            if feature not in FEATURES:
                raise BadInput(f"{where}: unknown feature {feature!r}. Known: {', '.join(FEATURES)}.")
        resolved = text.replace("{recover_within_s}", f"{target.recover_within_s:g}s")
        slo = parse_slo(resolved, where=where, faults=[one.fault for one in planned])
        promises[slo.short_name] = resolved
        if missing := target.lacks(list(needs)):
            lacking[slo.short_name] = missing
    return promises, lacking
