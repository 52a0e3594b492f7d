"""Game day: an incident as a file. What broke when, what must hold meanwhile, and when to stop."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from brownout.errors import BadInput, unknown
from brownout.loading import Places, load_yaml
from brownout.placing import Placed, place
from brownout.plan import BURST, PlannedInjection, Story, TestPlan
from brownout.promising import Roles, check_filters, make_promises
from brownout.schedule import Ratio, Repeat, Scope, Seconds, Timing
from brownout.stopping import parse_stop
from brownout.target import Target
from brownout.topology import Topology
from brownout.workload import Arrival, Burst, TrafficClass, Workload

SUITE = "gamedays"
Positive = Annotated[float, msgspec.Meta(gt=0.0, le=1e9)]  # not infinite: of that no plan can be made
Length = Annotated[float, msgspec.Meta(gt=0.0, le=86_400.0)]
Rate = Annotated[float, msgspec.Meta(gt=0.0, le=10_000.0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Said = Annotated[str, msgspec.Meta(min_length=1)]


class Load(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The traffic: Poisson at ``rate_rps``, and at other rates in ``bursts``. The rest: see `Workload`."""

    rate_rps: Rate
    duration_s: Length
    tenants: dict[str, float] = msgspec.field(default_factory=dict)
    classes: dict[TrafficClass, float] = msgspec.field(default_factory=lambda: dict(Workload().classes))
    stream_share: Ratio = Workload().stream_share
    prompt_tokens: tuple[int, int] = Workload().prompt_tokens
    output_tokens: tuple[int, int] = Workload().output_tokens
    patience_s: Length = Workload().patience_s
    bursts: list[Burst] = msgspec.field(default_factory=list)


class Happening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the timeline: a fault with its settings, where, when (see `Timing`) and for whom (see `Scope`)."""

    fault: str
    at: str
    at_s: Seconds
    for_s: Length
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    ramp_s: Seconds = 0.0
    ramp_down_s: Seconds = 0.0
    repeat: Repeat | None = None
    probability: Ratio = 1.0
    share: Ratio = 1.0
    tenants: list[str] = msgspec.field(default_factory=list)
    models: list[str] = msgspec.field(default_factory=list)
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a timing that cannot be, where the file's line is known."""
        _ = self.timing

    @property
    def timing(self) -> Timing:
        """When it is on."""
        return Timing(
            at_s=self.at_s,
            for_s=self.for_s,
            ramp_s=self.ramp_s,
            ramp_down_s=self.ramp_down_s,
            repeat=self.repeat,
            probability=self.probability,
        )


class Must(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promise that only a target with these features is held to."""

    slo: str
    needs: list[str] = msgspec.field(default_factory=list)


class GameDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A game day, as its file says it.

    Attributes:
        gameday: its name.
        why: what is to be learned.
        sources: where the incident is told.
        happened: when it was, as text.
        compression: how many seconds of the incident one second here stands for.
        topology: by name, or a file (relative to this one).
        load: the traffic, from the first second to the last.
        timeline: what breaks.
        must: what must hold: SLO texts, with roles as in a suite (see `brownout.scenario.scenario`).
        abort_if: when to stop (see `brownout.stopping`).
        seed: what chance starts from, unless the command line says.
        recover_within_s: how long the way back may take; left out, what the target's file says.
    """

    gameday: Name
    why: Said
    sources: Annotated[list[Said], msgspec.Meta(min_length=1)]
    happened: Said
    compression: Positive
    load: Load
    timeline: Annotated[list[Happening], msgspec.Meta(min_length=1)]
    must: Annotated[list[str | Must], msgspec.Meta(min_length=1)]
    topology: str = "slack"
    abort_if: list[str] = msgspec.field(default_factory=list)
    seed: int = 1
    recover_within_s: Length | None = None


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A game day and its file, for what is to be said about places in it."""

    day: GameDay
    places: Places


def load_gameday(path: Path) -> Script:
    """Return a file's game day.

    Raises:
        BadInput: as `brownout.loading.load_yaml`.
    """
    day = load_yaml(path, GameDay)
    return Script(day=day, places=Places(path))


def plan_gameday(script: Script, *, target: Target, topology: Topology, seed: int, started: bool) -> TestPlan:
    """Resolve a game day for a target and a topology, checking all of it.

    Args:
        script: the game day.
        target: who is played with.
        topology: where.
        seed: what decides, for faults that come by chance.
        started: whether brownout starts the target's process.

    Raises:
        BadInput: an unknown fault, setting, place, metric, unit, tenant or feature, a timing that cannot be, or a
            timeline that outlasts the load.
    """
    day, places = script.day, script.places
    recover_within_s = day.recover_within_s or target.recover_within_s
    roles = Roles(topology, target, recover_within_s)
    missing = sorted({role for one in day.timeline for text in (one.at, *one.tenants) for role in roles.missing(text)})
    _check_load(day, places)
    planned = [] if missing else _injections(day, places, roles, topology, seed)
    must, where_must = _texts(day.must, places)
    _check_windows(day, must, where_must)
    promises, lacking = make_promises(
        must,
        target=target,
        topology=topology,
        roles=roles,
        windows=[BURST, *(one.fault for one in day.timeline)] if day.load.bursts else [f.fault for f in day.timeline],
        planned=planned,
        started=started,
        where=where_must,
    )
    return TestPlan(
        test=day.gameday,
        suite=SUITE,
        why=" ".join(day.why.split()),
        workload=_workload(day, places, roles, topology),
        injections=planned,
        promises=promises,
        recover_within_s=recover_within_s,
        lacking=lacking,
        left_open=[name for name, features in lacking.items() if target.leaves_open(features)],
        skipped=missing,
        abort_if=_stop_texts(day, places, roles, topology),
        story=Story(sources=day.sources, happened=day.happened, compression=day.compression),
    )


def _check_load(day: GameDay, places: Places) -> None:
    for index, one in enumerate(day.timeline):
        if one.timing.ends_s > day.load.duration_s:
            raise BadInput(
                f"{places('timeline', index)}: {one.fault} is on until {one.timing.ends_s:g} s, and the load ends at "
                f"{day.load.duration_s:g} s: what comes after it is seen by nobody. Make load.duration_s longer."
            )
    before_s = 0.0
    for index, burst in enumerate(day.load.bursts):
        where = places("load", "bursts", index)
        if burst.rate_rps <= 0 or burst.for_s <= 0:
            raise BadInput(f"{where}: rate_rps and for_s must be above 0.")
        if not before_s <= burst.at_s < burst.ends_s <= day.load.duration_s:
            raise BadInput(
                f"{where}: from {burst.at_s:g} s to {burst.ends_s:g} s; it must begin at {before_s:g} s or later (in "
                f"order, none over another) and end with the load, at {day.load.duration_s:g} s, at the latest."
            )
        before_s = burst.ends_s


def _injections(day: GameDay, places: Places, roles: Roles, topology: Topology, seed: int) -> list[PlannedInjection]:
    return [
        msgspec.structs.replace(planned, note=one.note)
        for index, one in enumerate(day.timeline)
        for planned in place(
            Placed(
                id=f"{one.fault}-{index + 1}",
                fault=one.fault,
                settings=one.settings,
                at=roles.filled(one.at),
                timing=one.timing,
                scope=Scope(share=one.share, tenants=[roles.filled(name) for name in one.tenants], models=one.models),
            ),
            topology,
            seed=seed,
            where=places("timeline", index),
        )
    ]


def _workload(day: GameDay, places: Places, roles: Roles, topology: Topology) -> Workload:
    load = day.load
    shares = {roles.filled(name): share for name, share in load.tenants.items() if not roles.missing(name)}
    for name in load.tenants:
        if not roles.missing(name) and roles.filled(name) not in topology.tenants:
            raise unknown("tenant", name, topology.tenants, where=places("load", "tenants", name))
    return Workload(
        arrival=Arrival(rate_rps=load.rate_rps, bursts=tuple(load.bursts)),
        duration_s=load.duration_s,
        tenants=shares,
        classes=load.classes,
        stream_share=load.stream_share,
        prompt_tokens=load.prompt_tokens,
        output_tokens=load.output_tokens,
        patience_s=load.patience_s,
    )


def _texts(must: Sequence[str | Must], places: Places) -> tuple[Mapping[str, list[str]], Callable[[str], str]]:
    """Return each promise's needs by its text, and where the text stands in the file."""
    needs: dict[str, list[str]] = {}
    index_of: dict[str, int] = {}
    for index, one in enumerate(must):
        made = Must(slo=one) if isinstance(one, str) else one
        if made.slo in needs:
            raise BadInput(f"{places('must', index)}: {made.slo!r} is promised twice.")
        needs[made.slo], index_of[made.slo] = made.needs, index
    return needs, lambda text: places("must", index_of[text]) if text in index_of else places("must")


def _check_windows(day: GameDay, must: Mapping[str, list[str]], where: Callable[[str], str]) -> None:
    """A promise about a fault that may never come could not be judged with every seed."""
    sure = {one.fault for one in day.timeline if one.probability == 1}
    for fault in {one.fault for one in day.timeline} - sure:
        for text in must:
            if f" {fault} " in text:
                raise BadInput(
                    f"{where(text)}: {fault} comes by chance, and may not come at all. Write 'during faults', or give "
                    "one of its lines in the timeline probability: 1."
                )


def _stop_texts(day: GameDay, places: Places, roles: Roles, topology: Topology) -> list[str]:
    texts = []
    for index, text in enumerate(day.abort_if):
        if roles.missing(text):
            continue  # it is about a tenant that is not there
        where = places("abort_if", index)
        condition = parse_stop(roles.filled(text), where=where)
        check_filters(condition.slo, topology, where)
        texts.append(condition.text)
    return texts
