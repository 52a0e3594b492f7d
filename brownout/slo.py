"""SLOs as text: ``availability during region-down >= 95%``, ``ttft_p99_s[class=interactive] <= 2s``.

metric [ "[" filter=value {"," filter=value} "]" ] [ window ] op bound
window:  before faults | during faults | during FAULT | after faults
op:      >=  <=  >  <  ==
bound:   a number with the metric's unit: 99.5% or 0.995 (ratios), 2s or 200ms (seconds), 0 (counts)
"""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from brownout.errors import BadInput, unknown
from brownout.metrics import METRICS, Metric

Span: TypeAlias = Literal["all", "before", "during", "after"]
OPS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
# Not the endpoint: only what was served names one, so that every share over it would be 100 %.
FILTERS = ("class", "tenant", "stream")
_SLO = re.compile(
    r"^\s*(?P<metric>[a-z][a-z0-9_]*)\s*(?:\[(?P<filters>[^\]]*)\])?\s*"
    r"(?:(?P<span>before|during|after)\s+(?P<fault>[a-z][a-z0-9-]*))?\s*"
    r"(?P<op>>=|<=|==|>|<)\s*(?P<number>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(?P<unit>%|[a-z]*)\s*$"
)
# What a number is divided by: dividing keeps 95% equal to 19/20, multiplying by 0.01 does not.
_DIVISORS = {
    "ratio": {"": 1.0, "%": 100.0},
    "s": {"s": 1.0, "ms": 1000.0},
    "count": {"": 1.0},
    "x": {"": 1.0, "x": 1.0},
    "rps": {"rps": 1.0},
}


class Slo(msgspec.Struct, frozen=True, kw_only=True):
    """One SLO, parsed. ``bound`` is in the metric's own unit; ``fault`` is a fault's kind, or ``faults`` for any."""

    text: str
    metric: str
    filters: dict[str, str]
    span: Span
    fault: str
    op: str
    bound: float

    @property
    def short_name(self) -> str:
        """The promise's name within its test: metric, filters and window, without the bound."""
        inside = ",".join(f"{key}={value}" for key, value in self.filters.items())
        name = f"{self.metric}[{inside}]" if inside else self.metric
        return name if self.span == "all" else f"{name}-{self.span}-{self.fault}"

    def holds(self, observed: float) -> bool:
        """Return whether the observed figure keeps the promise."""
        return OPS[self.op](observed, self.bound)


def parse_slo(text: str, *, where: str = "", faults: Sequence[str] | None = ()) -> Slo:
    """Return the SLO in a text.

    Args:
        text: as in the module's docstring.
        where: what to begin an error with.
        faults: kinds of the faults that the test injects; a window may name only these. None: any, for a text that
            was checked with its test (one that is skipped injects nothing), or whose window is refused elsewhere.

    Raises:
        BadInput: not of this form, or an unknown metric, filter, fault or unit.
    """
    place = f"{where}: " if where else ""
    match = _SLO.match(text)
    if match is None:
        raise BadInput(
            f"{place}cannot read the SLO {text!r}. Write: metric[filter=value] [before|during|after FAULT] op bound, "
            "such as 'availability during region-down >= 95%'."
        )
    if match["metric"] not in METRICS:
        raise unknown("metric", match["metric"], METRICS, where=f"{place}SLO {text!r}")
    metric = METRICS[match["metric"]]
    fault = match["fault"] or ""
    if fault and fault != "faults" and faults is not None and fault not in faults:
        raise unknown("fault", fault, ["faults", *faults], where=f"{place}SLO {text!r}")
    return Slo(
        text=text.strip(),
        metric=metric.name,
        filters=_filters(match["filters"] or "", text, place),
        span=match["span"] or "all",  # type: ignore[arg-type]
        fault=fault,
        op=match["op"],
        bound=_bound(metric, match["number"], match["unit"], text, place),
    )


def _filters(given: str, text: str, place: str) -> dict[str, str]:
    filters = {}
    for part in filter(None, (piece.strip() for piece in given.split(","))):
        key, equals, value = part.partition("=")
        if key.strip() not in FILTERS:
            raise unknown("filter", key.strip(), FILTERS, where=f"{place}SLO {text!r}")
        if not equals or not value.strip():
            raise BadInput(f"{place}SLO {text!r}: filter {part!r} has no value; write {key.strip()}=VALUE.")
        if key.strip() in filters:
            raise BadInput(f"{place}SLO {text!r}: filter {key.strip()!r} is given twice.")
        filters[key.strip()] = value.strip()
    return filters


def _bound(metric: Metric, number: str, unit: str, text: str, place: str) -> float:
    divisors = _DIVISORS[metric.unit]
    if unit not in divisors:
        allowed = " or ".join(name or "a plain number" for name in divisors)
        raise BadInput(
            f"{place}SLO {text!r}: {metric.name} is in {metric.unit}; give {allowed}, not {unit or 'no unit'!r}."
        )
    return float(number) / divisors[unit]
