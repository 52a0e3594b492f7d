"""Random days: a few faults of any kinds, anywhere, at any time, one over the other; played in virtual time and judged.

A day is drawn from its seed alone, so that what went wrong on one can be had again by its number:
``outcome(drawn(1234), folder).broken``.
"""

import dataclasses
import functools
import gc
import logging
import math
import random
import types
import typing
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

import faults  # noqa: F401 - registers every fault
from brownout.clock import rng_for
from brownout.errors import BadInput
from brownout.fault import FAMILIES, FAULTS, Entry, Fault, make_fault
from brownout.judge import judge
from brownout.metrics import METRICS
from brownout.placing import Placed, check_playable, place
from brownout.plan import Plan, PlannedInjection, TestPlan
from brownout.rundir import RunDir
from brownout.schedule import Repeat, Scope, Timing
from brownout.slo import parse_slo
from brownout.target import load_target
from brownout.topology import Topology
from brownout.verdict import Verdicts
from brownout.workload import Arrival, Workload
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import play_virtual
from fixtures.routers import router_named
from tests.faults.leftovers import watched_stages

TOPOLOGIES = ("slack", "own-gpus", "two-clouds-one-vendor", "capacities")
FIRST_S, RECOVERY_S, TAIL_S = 3.0, 12.0, 6.0
_TRIES, _TRIES_OF_A_KIND = 400, 40
_FILES = ("client.jsonl", "provider.jsonl", "faults.jsonl", "phases.jsonl")
_BOUNDS = {"ratio": "0%", "s": "10s", "count": "0", "x": "100x", "rps": "0rps"}

Rng = random.Random  # noqa: TID251 - a type
_topology = functools.cache(load_topology)


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One random day: what was written, and what came of it."""

    seed: int
    topology: str
    placed: list[Placed]
    injections: list[PlannedInjection]
    rate_rps: float = 6.0

    @property
    def ends_s(self) -> float:
        """When the last fault is off, from the start of load."""
        return max((one.at_s + one.for_s for one in self.injections), default=FIRST_S)


def kinds() -> list[str]:
    """Return the kinds of faults that can be had in virtual time, and act on what any world has."""
    able = {kind for kind in FAULTS if not entry_of(kind).real and "virtual" in entry_of(kind).clocks}
    return sorted(able - {"flag-rollback"})  # which flags a router has is the router's file's to say


def entry_of(kind: str) -> Entry:
    """Return a kind's entry in the catalogue."""
    entry: Entry = FAULTS[kind].entry  # type: ignore[attr-defined]
    return entry


def drawn(seed: int) -> Day:
    """Return the day of a seed: one to five faults over each other.

    On half of the days they are of one family, so that they meet in one thing: a pool, a service, a link. Some come on
    or go off at the very instant at which another does, at its place.
    """
    rng = rng_for(seed, "composition")
    name = rng.choice(TOPOLOGIES)
    topology = _topology(name)
    family = rng.choice([*FAMILIES, *[""] * len(FAMILIES)])
    among = [kind for kind in kinds() if entry_of(kind).family == family] or kinds()
    placed: list[Placed] = []
    injections = []
    for number in range(rng.randint(1, 5)):
        one, planned = _placed(rng, topology, seed, among, f"i{number}", placed)
        placed.append(one)
        injections += planned
    rate_rps = rng.choice([4.0, 6.0, 6.0, 16.0])
    return Day(seed=seed, topology=name, placed=placed, injections=injections, rate_rps=rate_rps)


def drawn_settings(rng: Rng, kind: str) -> dict[str, Any]:
    """Return settings of a kind that are valid; about half of them are left at their defaults."""
    cls = FAULTS[kind]
    hints = typing.get_type_hints(cls, include_extras=True)
    for _ in range(_TRIES):
        names = [one.name for one in dataclasses.fields(cls) if rng.random() < 0.5]
        settings = {name: _value(rng, hints[name], name) for name in names}
        try:
            make_fault(kind, settings)
        except BadInput:
            continue
        return settings
    return {}


def _value(rng: Rng, hint: Any, name: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is Literal:
        return rng.choice(typing.get_args(hint))
    if origin in (typing.Union, types.UnionType):
        one = rng.choice(typing.get_args(hint))
        return None if one is type(None) else _value(rng, one, name)
    if origin is typing.Annotated:
        base, meta = typing.get_args(hint)[:2]
        return _bounded(rng, base, meta, name)
    if origin is tuple:
        words = typing.get_args(typing.get_args(hint)[0])
        return rng.sample(words, rng.randint(1, len(words)))
    return rng.choice([-1.0, 1.0]) * 10 ** rng.uniform(2, 7) if hint is float else rng.choice([True, False])


def _bounded(rng: Rng, base: Any, meta: msgspec.Meta, name: str) -> Any:
    if meta.pattern:
        return rng.choice(["text/html", "application/json; charset=utf-16", "application/octet-stream"])
    if typing.get_origin(base) is tuple:
        return _value(rng, base, name)
    low = float(meta.ge if meta.ge is not None else meta.gt or 0)
    high = float(meta.le if meta.le is not None else meta.lt if meta.lt is not None else _usual_most(rng, name, low))
    if meta.ge is not None and rng.random() < 0.1:
        value = low
    elif high <= 1:
        value = rng.uniform(low + 1e-3, high - 1e-3)
    else:
        value = low + math.exp(rng.uniform(math.log(1e-2), math.log(high - low)))
    return min(round(value), math.floor(high)) if base is int else value


def _usual_most(rng: Rng, name: str, low: float) -> float:
    """Where a setting has no upper bound: what people write, and now and then something absurd."""
    if rng.random() < 0.05:
        return 1e7
    unit = name.rpartition("_")[2]
    return low + {"s": 20.0, "ms": 5000.0, "kbps": 5000.0, "bytes": 2000.0, "tokens": 20.0}.get(unit, 8.0)


def _placed(
    rng: Rng, topology: Topology, seed: int, among: Sequence[str], name: str, before: Sequence[Placed]
) -> tuple[Placed, list[PlannedInjection]]:
    kind = ""
    for attempt in range(_TRIES):
        if attempt % _TRIES_OF_A_KIND == 0:  # not every kind can be had everywhere, nor every family
            kind = rng.choice(among if attempt < _TRIES / 2 else kinds())
        other = rng.choice(before) if before and rng.random() < 0.5 else None
        one = Placed(
            id=name,
            fault=kind,
            settings=drawn_settings(rng, kind),
            at=other.at if other and rng.random() < 0.7 else _place(rng, topology, kind),
            timing=_timing(rng, other.timing if other else None, plain=attempt % 2 == 1),
            scope=_scope(rng, topology) if attempt % 3 == 0 else Scope(),
        )
        try:
            planned = place(one, topology, seed=seed)
            check_playable(planned, clock="virtual", started=True)
        except BadInput:
            continue  # not every fault fits everywhere
        return one, planned
    raise AssertionError(f"nothing of {among} fits into {topology.topology}")


def _place(rng: Rng, topology: Topology, kind: str) -> str:
    made: Fault = make_fault(kind, {})
    if made.acts_on == "target":
        return "target"
    endpoint = rng.choice(topology.endpoints)
    return rng.choice(
        [
            endpoint.name,
            endpoint.name,
            endpoint.name,
            endpoint.region,
            endpoint.cloud,
            endpoint.provider,
            endpoint.capacity,
            "primary",
            "all",
            "vendor:anthropic",
            f"tenant:{rng.choice(list(topology.tenants))}",
            f"{endpoint.name},{rng.choice(topology.names)}",
        ]
    )


def _timing(rng: Rng, other: Timing | None, *, plain: bool) -> Timing:
    at_s, for_s = FIRST_S + rng.uniform(0, 6), rng.uniform(0.3, 8)
    if other is not None and rng.random() < 0.5:
        at_s, for_s = rng.choice([(other.at_s, for_s), (other.at_s, other.for_s), (other.at_s + other.for_s, for_s)])
    if plain:
        return Timing(at_s=at_s, for_s=for_s)
    ramps = rng.random() < 0.4
    repeat = Repeat(times=rng.randint(1, 3), every_s=for_s * rng.uniform(1, 1.5)) if rng.random() < 0.2 else None
    return Timing(
        at_s=at_s,
        for_s=for_s,
        ramp_s=for_s * rng.uniform(0, 0.5) if ramps else 0.0,
        ramp_down_s=for_s * rng.uniform(0, 0.5) if ramps and rng.random() < 0.7 else 0.0,
        repeat=repeat,
        probability=rng.choice([1.0, 1.0, 1.0, 0.5]),
    )


def _scope(rng: Rng, topology: Topology) -> Scope:
    model = rng.choice(topology.endpoints).model
    return Scope(
        share=rng.choice([1.0, 1.0, rng.random()]),
        tenants=rng.choice([[], [], [rng.choice(list(topology.tenants))]]),
        models=rng.choice([[], [], [model], [f"{model[:6]}*"]]),
    )


def plan_of(day: Day) -> Plan:
    """Return the plan of a day, which promises something of every metric."""
    fault_kinds = sorted({one.fault for one in day.injections})
    spans = ["", " before faults", " during faults", " after faults", *(f" during {kind}" for kind in fault_kinds)]
    texts = [f"{name}{span} <= {_BOUNDS[one.unit]}" for name, one in METRICS.items() for span in spans]
    return Plan(
        run="composition",
        target="reference-router",
        dialect="openai-chat",
        clock="virtual",
        profile="day",
        seed=day.seed,
        replay="",
        topology=_topology(day.topology),
        tests=[
            TestPlan(
                test="day",
                suite="composition",
                why="Whatever is put together is taken apart again.",
                workload=Workload(
                    arrival=Arrival(rate_rps=day.rate_rps), duration_s=day.ends_s + RECOVERY_S + TAIL_S, patience_s=8.0
                ),
                injections=day.injections,
                promises={parse_slo(text, faults=fault_kinds).short_name: text for text in texts},
                recover_within_s=RECOVERY_S,
            )
        ],
    )


class Outcome(msgspec.Struct, kw_only=True):
    """What came of a day.

    Attributes:
        said: warnings and errors that were logged, and what was never awaited.
        left: what was not as it should be when every fault was off.
        raised: what playing raised.
    """

    day: Day
    run: RunDir
    said: list[str]
    left: list[str]
    raised: str
    verdicts: Verdicts | None

    @property
    def history(self) -> bytes:
        """Every record of the evidence."""
        return b"".join(self.run.file(name).read_bytes() for name in _FILES)


def outcome(day: Day, folder: Path) -> Outcome:
    """Play a day, with an ear for everything that is said meanwhile, and judge it."""
    run = RunDir(folder)
    run.write_plan(plan := plan_of(day))
    target, _ = load_target(str(REFERENCE_TARGET))
    raised, verdicts = "", None
    with _listening() as said, watched_stages() as left:
        try:
            play_virtual(plan, target, router_named(target), run)
            verdicts = judge(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            raised = f"{type(error).__name__}: {error}"
    return Outcome(day=day, run=run, said=said, left=left, raised=raised, verdicts=verdicts)


class _Ear(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(f"{record.name}: {self.format(record)}")


@contextmanager
def _listening() -> Iterator[list[str]]:
    said: list[str] = []
    ear = _Ear(said)
    logging.getLogger().addHandler(ear)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield said
            gc.collect()  # what was never awaited, or never looked at, says so when it is collected
        said += [str(one.message) for one in warned if issubclass(one.category, RuntimeWarning | ResourceWarning)]
    finally:
        logging.getLogger().removeHandler(ear)
