"""What a metric is given, what it returns, and how it is registered."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from brownout.egress import EgressRecord, Layer
from brownout.evidence import ClientRecord, CredentialRecord, ProviderRecord
from brownout.history import History, Window
from brownout.intervals import Sample
from brownout.plan import PlannedInjection
from brownout.topology import Topology

Unit: TypeAlias = Literal["ratio", "s", "count", "x", "rps"]
_WITNESSES_MAX = 10


class NoEvidence(Exception):  # noqa: N818 - an answer, not an accident
    """The history cannot tell. The message says what is missing."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric saw: the figure, how many samples it rests on, and whom to look at.

    ``sample`` is what the figure was taken from, where another sample of the same would give another figure: then the
    verdict rests on an interval, and repeats can be pooled. A count of wrongs is none: one is one too many.
    """

    value: float
    samples: int
    witnesses: list[str] = msgspec.field(default_factory=list)
    why: str = ""
    sample: Sample | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A history, and the part of it an SLO is about.

    ``client``, ``attempts`` and ``egress`` are already filtered and cut to the SLO's window (``credentials``, which are
    nobody's, only cut); ``windows`` are the fault windows it names (all of them when it names none).
    """

    history: History
    client: Sequence[ClientRecord]
    attempts: Sequence[ProviderRecord]
    windows: Sequence[Window]
    credentials: Sequence[CredentialRecord] = ()
    egress: Sequence[EgressRecord] = ()


Measure: TypeAlias = Callable[[View], Observation]
Lacks: TypeAlias = Callable[[Topology, Sequence[PlannedInjection]], str]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A registered metric.

    ``stands_alone``: a broken promise is proven by its witnesses whatever else is wrong with the run (a violation is a
    violation even when the load generator was slow); otherwise a spoiled run makes it unknown. ``timed``: it is about
    waits, so that a machine without a processor to spare can break it as well as the target can. ``factual``: what it
    says is so whatever the rest of the evidence is worth. ``in_hindsight``: it can be told only when the test is over,
    so that no stop condition can be about it. ``graded``: it says that nothing was seen, which is worth as much as was
    looked at (see `brownout.egress.grade_of`). ``lacks`` says what a topology has not that it needs to see anything.
    """

    name: str
    unit: Unit
    measure: Measure
    about: str
    stands_alone: bool = False
    timed: bool = False
    factual: bool = False
    in_hindsight: bool = False
    graded: bool = False
    lacks: Lacks | None = None


_METRICS: dict[str, Metric] = {}
METRICS: Mapping[str, Metric] = MappingProxyType(_METRICS)


def metric(
    name: str,
    unit: Unit,
    *,
    stands_alone: bool = False,
    timed: bool = False,
    factual: bool = False,
    in_hindsight: bool = False,
    graded: bool = False,
    lacks: Lacks | None = None,
) -> Callable[[Measure], Measure]:
    """Register a function as a metric; its docstring's first line is what ``about`` says. The flags: see `Metric`."""

    def register(measure: Measure) -> Measure:
        if name in _METRICS:
            raise TypeError(f"metric {name!r} is registered twice")
        about = (measure.__doc__ or "").split("\n")[0]
        _METRICS[name] = Metric(
            name=name,
            unit=unit,
            measure=measure,
            about=about,
            stands_alone=stands_alone,
            timed=timed,
            factual=factual,
            in_hindsight=in_hindsight,
            graded=graded,
            lacks=lacks,
        )
        return measure

    return register


def need(samples: Sequence[object], at_least: int, what: str) -> None:
    """Raise `NoEvidence` unless there are enough samples."""
    if len(samples) < at_least:
        raise NoEvidence(f"{len(samples)} {what} (at least {at_least} needed)")


def need_layer(view: View, layer: Layer) -> str:
    """Return what a layer of evidence says of itself; raises `NoEvidence` where it is absent or missed something."""
    record = view.history.layers.get(layer)
    if record is None:
        raise NoEvidence(f"nobody looked: there is no evidence of the layer {layer}")
    if not record.complete:
        raise NoEvidence(f"the layer {layer} did not see all there was: {record.why}")
    return record.why


def some(canaries: Sequence[str | None]) -> list[str]:
    """Return the first few of the witnesses, each once, in order."""
    return list(dict.fromkeys(canary for canary in canaries if canary))[:_WITNESSES_MAX]
