"""Scenario: one test of a suite as data: faults to inject, load to keep up, promises to keep, features needed.

A suite's test is a function that bears a scenario, or several that differ in their faults; its docstring says what is
promised. The gate reads the scenarios and plays them; pytest runs the same functions, whose only work is
``run.must_hold()``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from brownout.capacity import Behind, Limits
from brownout.schedule import Scope
from brownout.topology import Endpoint
from brownout.workload import TrafficClass, Workload

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
    "full": Profile(name="full", baseline_s=6.5, fault_s=15, settle_s=2.5, rate_rps=10, patience_s=15, whole=True),
}


MOSTLY_HOME: Mapping[str, float] = {"{home}": 3, "{pinned}": 1}
"""Three requests of the tenant that lives where a fault strikes, to one of a tenant that does not."""


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
    is what clients ask for, a role as a rule (``{experiment}``); empty for the target's own models. ``batch_lines`` is
    how many requests are in each of the batches that come besides (0: none come), to a target that has ``batch``.
    ``patience_s`` is when a client hangs up; 0: when the profile says. A test that sets it is about those who do, and
    unknown where hardly anybody did.
    """

    times: float = 1.0
    model: str = ""
    swings: tuple[Swing, ...] = ()
    classes: Mapping[TrafficClass, float] = msgspec.field(default_factory=lambda: dict(Workload().classes))
    planted: bool = False
    common_share: float = 0.0
    batch_lines: int = 0
    patience_s: float = 0.0
    stream_share: float = Workload().stream_share
    prompt_tokens: tuple[int, int] = Workload().prompt_tokens
    output_tokens: tuple[int, int] = (4, 5)  # enough to cut in the middle; each token more is a dozen events more


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
        successive: how many faults come one after the other at a place, each for an equal part of that window. Who has
            left the place for the one must ask again while the next is on, or that meets nobody.
        credentials_live: how long what the world's identity services grant holds, in fault windows; 0: as long as ever.
        twin: a tenant, or its role: the test is played again, and once more with another secret of that tenant's, so
            that `interference` can be told. Empty: it is played once.
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
    successive: int = 1
    credentials_live: float = 0.0
    twin: str = ""


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
    successive: int = 1,
    credentials_live: float = 0.0,
    twin: str = "",
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
        successive: as in `Scenario`.
        credentials_live: as in `Scenario`.
        twin: as in `Scenario`.

    Texts may name roles that the topology fills: ``{home}``, a tenant that may use the primary endpoint;
    ``{neighbour}``, a second one; ``{pinned}``, one that may use nothing in its region; ``{vendor}``, who made the
    model of the home tenant's first endpoint that tells it. ``{failover_within_s}``,
    ``{cooldown_s}`` and ``{recover_within_s}`` are the target's, and so is what it shapes (`brownout.promising.Roles`).
    Places have roles too: see `brownout.topology.Topology.select`. A window may name a fault, ``faults``, or ``burst``
    for the load's swings.
    """
    if twin and load is not None and load.batch_lines:
        raise TypeError("a test with a twin has no batches: what is said of these is on no tape")

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
                successive=successive,
                credentials_live=credentials_live,
                twin=twin,
            )
            for word, others in (variants or {"": ()}).items()
        )
        return function

    return attach
