"""Plan: a run resolved whole before anything starts. Written to ``plan.yaml``; judges and reports read it back."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from brownout.clock import rng_for
from brownout.egress import Grade
from brownout.shaping import Shaping
from brownout.telemetry import Says
from brownout.topology import Endpoint, Topology
from brownout.workload import Workload

ClockName: TypeAlias = Literal["real", "virtual"]
TARGET = "target"  # the place of faults of the router's process, which is at no endpoint
BURST = "burst"  # what an SLO's window calls the load's own bursts
Play: TypeAlias = Literal["first", "again", "twin"]
"""Of a test with a twin: as planned; the same once more, to see what differs of itself; with another secret."""
NOT_HERE = "it cannot be had here"
"""How the reason begins for which a test was left out that cannot be played where it was asked for."""


class PlannedInjection(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, where and when, once.

    Attributes:
        id: unique in its test.
        at: the place as it was written; ``target`` for faults of the router's process.
        endpoints: the endpoints that place means; none for ``target``.
        at_s: when it comes on, from the start of load.
        for_s: how long it is on.
        ramp_s: how long its strength rises from nothing.
        ramp_down_s: how long, at its end, its strength falls to nothing.
        share: the part of the requests (or connections) it touches at full strength.
        tenants: whose requests alone it touches; empty for all.
        models: which models' requests alone it touches, as patterns (``anthropic.claude*``); empty for all.
        needs: what must be there for it to act, as its catalogue entry says it; empty for nothing.
        note: what it stands for, for people.
    """

    id: str
    fault: str
    settings: dict[str, Any]
    at: str
    endpoints: list[str]
    at_s: float
    for_s: float
    ramp_s: float = 0.0
    ramp_down_s: float = 0.0
    share: float = 1.0
    tenants: list[str] = msgspec.field(default_factory=list)
    models: list[str] = msgspec.field(default_factory=list)
    colour: str = "#c33"
    needs: str = ""
    note: str = ""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The incident that a test is shaped on.

    Attributes:
        sources: where it is told: URLs, or documents.
        happened: when, as text.
        compression: how many seconds of the incident one second here stands for.
    """

    sources: list[str]
    happened: str
    compression: float


class TestPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One test: a workload, injections, and the promises (SLO texts) it must keep.

    ``skipped`` names the undeclared features for which the whole test is left out (then it is not run), and what else
    is lacking, after ``topology:`` or ``here:`` (see `what_lacks`).
    ``promises`` maps a promise's short name (a metric and its window) to its SLO text; ``lacking`` maps
    the short names of promises that are skipped alone to the features they lack; where such a one is seen not to hold,
    and is ``left_open``, nobody knows (see `brownout.target.Target.leaves_open`). ``abort_if`` are stop conditions (see
    `brownout.stopping`); ``story`` is the incident it is shaped on, if it is on one.

    ``sized`` are endpoints that stand in this test in place of the topology's of the same names, because the test is
    about how much they can carry. ``repeat`` numbers the repeats of one test, which have names of their own; ``of`` is
    then the name of the first. ``stretched`` says why the test takes longer than its profile would have it.
    ``credentials_live_s`` is how long what the world's identity services grant holds at most; None for as long as ever.

    ``grade`` is the weakest proof that will do for promises about what left (see `brownout.egress`); empty: any.

    ``shaping`` is what the target shapes, where the test is about that, its places as endpoints; ``says`` what the
    target's own metrics mean, where it has said so.

    ``twin`` is a tenant, if any: the test is played again as it was, and once more with another secret of that tenant's
    (see `plays`). ``play`` says which of the three this is; only the first is in a plan's ``tests``.
    """

    __test__ = False

    test: str
    suite: str
    why: str
    workload: Workload
    injections: list[PlannedInjection]
    promises: dict[str, str]
    recover_within_s: float
    skipped: list[str] = msgspec.field(default_factory=list)
    lacking: dict[str, list[str]] = msgspec.field(default_factory=dict)
    left_open: list[str] = msgspec.field(default_factory=list)
    abort_if: list[str] = msgspec.field(default_factory=list)
    story: Story | None = None
    sized: list[Endpoint] = msgspec.field(default_factory=list)
    repeat: int = 1
    of: str = ""
    stretched: str = ""
    credentials_live_s: float | None = None
    shaping: Shaping | None = None
    says: Says | None = None
    grade: Grade | Literal[""] = ""
    twin: str = ""
    play: Play = "first"

    @property
    def base(self) -> str:
        """The test's name, which all its repeats share."""
        return self.of or self.test

    @property
    def other_secret_of(self) -> str:
        """The tenant whose prompts, answers and canaries are others in this play; empty for none."""
        return self.twin if self.play == "twin" else ""

    def plays(self) -> "dict[Play, TestPlan]":
        """Return what is played of the test, in this order: itself alone, or all three plays, under names of their own.

        The play with another secret comes between the two that are alike: then no date, however coarse, is the same in
        these and another one in it.
        """
        plays: dict[Play, TestPlan] = {"first": self}
        others: tuple[Play, ...] = ("twin", "again") if self.twin else ()
        for play in others:
            plays[play] = msgspec.structs.replace(self, test=f"{self.test}.{play}", play=play)
        return plays


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run does and everything its judge needs besides the evidence.

    ``lenient`` is what the emulated clouds overlook for the target's sake (see `brownout.identity.leniency`).
    """

    run: str
    target: str
    dialect: str
    clock: ClockName
    profile: str
    seed: int
    replay: str
    started_at: str = ""
    topology: Topology
    tests: list[TestPlan]
    lenient: list[str] = msgspec.field(default_factory=list)

    def topology_of(self, test: TestPlan) -> Topology:
        """Return where a test is played: the topology, its endpoints sized as the test has them."""
        sized = {endpoint.name: endpoint for endpoint in test.sized}
        endpoints = [sized.get(endpoint.name, endpoint) for endpoint in self.topology.endpoints]
        return msgspec.structs.replace(self.topology, endpoints=endpoints)

    def seed_of(self, test: TestPlan) -> int:
        """Return a test's seed: the run's, and for its repeats others that follow from it."""
        return self.seed if test.repeat == 1 else rng_for(self.seed, "repeat", test.repeat).randrange(2**31)

    def groups(self) -> list[list[TestPlan]]:
        """Return the tests, each with its repeats."""
        groups: dict[tuple[str, str], list[TestPlan]] = {}
        for test in self.tests:
            groups.setdefault((test.suite, test.base), []).append(test)
        return list(groups.values())


def what_lacks(lacking: Sequence[str]) -> str:
    """Return in words why something was left out, from what a plan says is lacking.

    Features are the target's to declare; a topology may lack something too, and so may where it is played.
    """
    here = [name.removeprefix("here: ") for name in lacking if name.startswith("here: ")]
    if here:
        return f"{NOT_HERE}: {', '.join(here)}"
    ours = [name.removeprefix("topology: ") for name in lacking if name.startswith("topology: ")]
    if ours:
        return f"the topology has no such thing: {', '.join(ours)}"
    return f"the target does not declare: {', '.join(lacking)}"
