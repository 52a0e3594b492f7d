"""Stop conditions: ``availability < 50% for 5s``: what must not go on, whatever there is still to learn.

metric [ "[" filter=value {"," filter=value} "]" ] op bound [ "for" duration ]

Metric, filters, op and bound are an SLO's (see `brownout.slo`). With a duration (5s, 500ms, 2min) the figure is taken
over the requests that ended, and the attempts that arrived, in so much time until now; without one, over all so far.
"""

import math
import re
from collections.abc import Sequence

import msgspec

from brownout.egress import EgressRecord
from brownout.errors import BadInput
from brownout.evidence import ClientRecord, CredentialRecord, FaultRecord, PhaseRecord, ProviderRecord
from brownout.history import History
from brownout.metrics import METRICS, NoEvidence
from brownout.plan import TestPlan
from brownout.slo import Slo, parse_slo
from brownout.topology import Topology
from brownout.viewing import view_of

# A share of fewer requests than this is an anecdote, and nobody is stopped by one. Counts and percentiles have their
# own least number of samples.
SHARE_SAMPLES_MIN = 10
_UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0}
_CONDITION = re.compile(r"^(?P<slo>.*?)(?:\s+for\s+(?P<number>[^\s\]]+?)(?P<unit>[a-z]*))?\s*$", re.DOTALL)


class StopCondition(msgspec.Struct, frozen=True, kw_only=True):
    """One stop condition, parsed. ``for_s`` is None where it is about all there has been so far."""

    slo: Slo
    for_s: float | None = None

    @property
    def text(self) -> str:
        """The condition as people write it."""
        return self.slo.text if self.for_s is None else f"{self.slo.text} for {self.for_s:.12g}s"


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """A stop condition that is met.

    Attributes:
        condition: which, as text; of a fault that has called the run off, that.
        at_s: when it was seen, on the test's clock.
        observed: the figure; None where it is none.
        why: what the figure rests on.
    """

    condition: str
    at_s: float
    observed: float | None
    why: str

    @property
    def said(self) -> str:
        """All of it in a sentence."""
        return f"{self.condition}: {self.why}"


def parse_stop(text: str, *, where: str = "") -> StopCondition:
    """Return the stop condition in a text.

    Args:
        text: as in the module's docstring.
        where: what to begin an error with.

    Raises:
        BadInput: not of this form, or about something that is known only when the test is over.
    """
    begin = f"{where}: " if where else ""
    match = _CONDITION.match(text)
    if match is None or not match["slo"].strip():
        raise BadInput(f"{begin}a stop condition is empty. Write one such as 'availability < 50% for 5s'.")
    slo = parse_slo(match["slo"], where=where, faults=None)
    if slo.span != "all":
        raise BadInput(f"{begin}stop condition {text!r} is about now: leave out {slo.span} {slo.fault}.")
    if METRICS[slo.metric].in_hindsight:
        able = ", ".join(name for name, metric in METRICS.items() if not metric.in_hindsight)
        raise BadInput(
            f"{begin}stop condition {text!r}: {slo.metric} is known only when the test is over. Known before: {able}."
        )
    for_s = None if match["number"] is None else _duration_s(match["number"], match["unit"], text, begin)
    return StopCondition(slo=slo, for_s=for_s)


def _duration_s(number: str, unit: str, text: str, begin: str) -> float:
    try:
        duration_s = float(number) * _UNITS_S[unit]
    except (ValueError, KeyError):
        duration_s = math.nan
    if not 0 < duration_s < math.inf:
        raise BadInput(
            f"{begin}stop condition {text!r}: 'for' takes a duration above 0 in {', '.join(_UNITS_S)}, such as "
            f"'for 5s', not {number + unit!r}."
        )
    return duration_s


class Sentry:
    """Watches one test: told every record, it says whether a stop condition is met.

    Args:
        plan: the test.
        topology: where it is played.
    """

    def __init__(self, plan: TestPlan, topology: Topology) -> None:
        self._plan, self._topology = plan, topology
        self._conditions = [parse_stop(text) for text in plan.abort_if]
        self._client: list[ClientRecord] = []
        self._provider: list[ProviderRecord] = []
        self._faults: list[FaultRecord] = []
        self._credentials: list[CredentialRecord] = []
        self._egress: list[EgressRecord] = []
        self._began_s: float | None = None

    def begin(self, start_s: float) -> None:
        """Load starts at that instant."""
        self._began_s = start_s

    def note(self, records: Sequence[msgspec.Struct]) -> None:
        """Take in what was written; records of other tests are left out."""
        for record in records:
            match record:
                case ClientRecord(test=self._plan.test):
                    self._client.append(record)
                case ProviderRecord(test=self._plan.test):
                    self._provider.append(record)
                case CredentialRecord(test=self._plan.test):
                    self._credentials.append(record)
                case EgressRecord(test=self._plan.test):
                    self._egress.append(record)
                case FaultRecord(test=self._plan.test):
                    self._faults.append(record)
                case _:
                    pass

    def look(self, now_s: float) -> Met | None:
        """Return the first condition that is met, if one is: a fault that has called the run off comes before all."""
        for record in self._faults:
            if record.event == "called-off":
                return Met(
                    condition=f"called off by {record.fault} at {record.at}",
                    at_s=now_s,
                    observed=None,
                    why=record.why or "no reason given",
                )
        if not self._conditions or self._began_s is None:
            return None
        history = self._history()
        return next((met for one in self._conditions if (met := self._met(one, history, now_s))), None)

    def _met(self, condition: StopCondition, history: History, now_s: float) -> Met | None:
        since_s = -math.inf
        if condition.for_s is not None:
            since_s = now_s - condition.for_s
            if self._began_s is None or since_s < self._began_s:
                return None  # it has not gone on for so long
        metric = METRICS[condition.slo.metric]
        try:
            seen = metric.measure(view_of(history, condition.slo, since_s=since_s))
        except NoEvidence:
            return None
        if (metric.unit == "ratio" and seen.samples < SHARE_SAMPLES_MIN) or not condition.slo.holds(seen.value):
            return None
        figure = f"{seen.value:.1%}" if metric.unit == "ratio" else f"{seen.value:.4g}"
        why = f"it was {figure}{'' if metric.unit in ('ratio', 'count') else f' {metric.unit}'}"
        return Met(
            condition=condition.text, at_s=now_s, observed=seen.value, why=f"{why} ({seen.why})" if seen.why else why
        )

    def _history(self) -> History:
        phases = [PhaseRecord(test=self._plan.test, phase="load-start", at_s=self._began_s or 0.0)]
        return History(
            self._plan,
            self._topology,
            client=self._client,
            provider=self._provider,
            faults=self._faults,
            phases=phases,
            credentials=self._credentials,
            egress=self._egress,
        )
