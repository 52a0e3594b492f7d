"""An SLO is read exactly as it is written, or refused with what was allowed."""

import operator
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.errors import BadInput
from brownout.metrics import METRICS
from brownout.slo import FILTERS, parse_slo

FAULTS = ["region-down", "throttling"]
UNITS = {
    "ratio": {"": 1.0, "%": 100.0},
    "s": {"s": 1.0, "ms": 1000.0},
    "count": {"": 1.0},
    "x": {"": 1.0, "x": 1.0},
    "rps": {"rps": 1.0},
}
SPACES = st.sampled_from(["", " ", "  "])
GAPS = st.sampled_from([" ", "  ", "\t"])
VALUES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
NUMBERS = st.one_of(st.integers(-1000, 100_000).map(str), st.decimals(-1000, 1000, places=3).map(str))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("availability during region-down >= 95%", ("availability", {}, "during", "region-down", ">=", 0.95)),
        ("ttft_p99_s[class=interactive] <= 2s", ("ttft_p99_s", {"class": "interactive"}, "all", "", "<=", 2.0)),
        ("availability before faults >= 0.995", ("availability", {}, "before", "faults", ">=", 0.995)),
        ("ttft_p50_s after faults < 200ms", ("ttft_p50_s", {}, "after", "faults", "<", 0.2)),
        ("boundary_violations == 0", ("boundary_violations", {}, "all", "", "==", 0.0)),
        ("retry_amplification during throttling <= 2x", ("retry_amplification", {}, "during", "throttling", "<=", 2.0)),
        ("time_to_recover_s <= 1e+06s", ("time_to_recover_s", {}, "all", "", "<=", 1e6)),
    ],
)
def test_every_form_is_read(text: str, parts: tuple[object, ...]) -> None:
    """Metric, filters, window, operator and bound, each in its place."""
    slo = parse_slo(text, faults=FAULTS)
    assert parts == (slo.metric, slo.filters, slo.span, slo.fault, slo.op, slo.bound)
    assert text == slo.text


@st.composite
def written(draw: st.DrawFn) -> tuple[str, tuple[object, ...]]:
    """Return a valid SLO's text, and its parts."""
    metric = METRICS[draw(st.sampled_from(sorted(METRICS)))]
    filters = draw(st.dictionaries(st.sampled_from(FILTERS), VALUES, max_size=3))
    inside = ",".join(f"{draw(SPACES)}{key}{draw(SPACES)}={draw(SPACES)}{value}" for key, value in filters.items())
    span = draw(st.sampled_from(["all", "before", "during", "after"]))
    fault = "" if span == "all" else draw(st.sampled_from(["faults", *FAULTS]))
    op = draw(st.sampled_from([">=", "<=", "==", ">", "<"]))
    number = draw(NUMBERS)
    unit, divisor = draw(st.sampled_from(sorted(UNITS[metric.unit].items())))
    text = draw(SPACES) + metric.name + draw(SPACES) + (f"[{inside}]" if inside else "")
    text += f"{draw(GAPS)}{span}{draw(GAPS)}{fault}" if fault else ""
    text += f"{draw(SPACES)}{op}{draw(SPACES)}{number}{draw(SPACES)}{unit}{draw(SPACES)}"
    return text, (metric.name, filters, span, fault, op, float(number) / divisor)


@given(written())
@settings(deadline=None)
def test_a_valid_text_parses_to_its_parts(given_text: tuple[str, tuple[object, ...]]) -> None:
    """However it is spaced, a text gives the parts it was made of."""
    text, parts = given_text
    slo = parse_slo(text, faults=FAULTS)
    assert parts == (slo.metric, slo.filters, slo.span, slo.fault, slo.op, slo.bound)


@given(st.one_of(st.text(max_size=60), written().flatmap(lambda one: _spoilt(one[0]))))
@settings(deadline=None, max_examples=200)
def test_no_text_raises_anything_but_bad_input(text: str) -> None:
    """Any text is an SLO, or bad input."""
    said = _refused_or_none(text)
    assert said is None or said.startswith("here: ")


def _refused_or_none(text: str) -> str | None:
    try:
        parse_slo(text, where="here", faults=FAULTS)
    except BadInput as refused:
        return str(refused)
    return None


def _spoilt(text: str) -> st.SearchStrategy[str]:
    """Return texts with a piece replaced."""
    places = st.integers(0, len(text))
    return st.builds(lambda at, upto, put: text[:at] + put + text[upto:], places, places, st.text(max_size=4))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "availabilty >= 95%",
            r"SLO 'availabilty >= 95%': unknown metric 'availabilty'\. Did you mean 'availability'\?",
        ),
        ("availability[clas=interactive] >= 1", r"unknown filter 'clas'\. Did you mean 'class'\? Known: class, "),
        ("availability[class] >= 1", r"filter 'class' has no value; write class=VALUE\."),
        ("availability[class=] >= 1", r"filter 'class=' has no value; write class=VALUE\."),
        ("availability during region-dwn >= 1", r"unknown fault 'region-dwn'\. Did you mean 'region-down'\?"),
        ("availability during dns >= 1", r"unknown fault 'dns'\. Known: faults, region-down, throttling\."),
        ("availability >= 2s", r"availability is in ratio; give a plain number or %, not 's'\."),
        ("ttft_p99_s <= 2", r"ttft_p99_s is in s; give s or ms, not 'no unit'\."),
        ("hung_requests <= 0%", r"hung_requests is in count; give a plain number, not '%'\."),
        ("retry_amplification <= 2s", r"retry_amplification is in x; give a plain number or x, not 's'\."),
        ("availability", r"cannot read the SLO 'availability'\. Write: metric\[filter=value\]"),
        ("availability >= much", r"cannot read the SLO"),
        ("availability => 1", r"cannot read the SLO"),
        ("availability during >= 1", r"cannot read the SLO"),
        ("", r"cannot read the SLO ''"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_was_allowed(text: str, sentence: str) -> None:
    """The error begins with the place, names the word, what was allowed and the nearest match."""
    with pytest.raises(BadInput, match=rf"^suite s, test t: .*{sentence}"):
        parse_slo(text, where="suite s, test t", faults=FAULTS)


def test_a_window_may_name_only_a_fault_of_its_test() -> None:
    """A known fault that the test does not inject is refused: its window would never come."""
    with pytest.raises(BadInput, match="unknown fault 'throttling'"):
        parse_slo("availability during throttling >= 1", faults=["region-down"])


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_per_cent_is_exactly_its_hundredth(percent: int, hundreds: int) -> None:
    """N % holds for N of a hundred, and as many of any multiple: rounding breaks no promise that is kept."""
    slo = parse_slo(f"availability >= {percent}%")
    assert slo.holds(percent / 100)
    assert slo.holds((percent * hundreds) / (100 * hundreds))


@pytest.mark.parametrize(
    ("text", "observed", "holds"),
    [
        ("availability >= 95%", 19 / 20, True),
        ("availability >= 95%", 18 / 20, False),
        ("availability > 95%", 19 / 20, False),
        ("availability == 95%", 19 / 20, True),
        ("availability >= 99.5%", 199 / 200, True),
        ("ttft_p50_s <= 300ms", 0.3, True),
        ("ttft_p50_s < 300ms", 0.3, False),
        ("hung_requests <= 0", 0, True),
        ("hung_requests <= 0", 1, False),
        ("time_to_recover_s <= 9s", float("inf"), False),
    ],
)
def test_a_bound_is_met_exactly(text: str, observed: float, *, holds: bool) -> None:
    """The bound itself is inside for >= and <=, outside for > and <."""
    assert holds == parse_slo(text).holds(observed)


@given(st.sampled_from([">=", "<=", "==", ">", "<"]), st.integers(-5, 5), st.integers(-5, 5))
def test_operators_mean_what_they_look_like(op: str, observed: int, bound: int) -> None:
    """Each operator is Python's."""
    meant = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}[op]
    assert meant(observed, bound) == parse_slo(f"hung_requests {op} {bound}").holds(observed)


def test_a_promise_is_named_without_its_bound() -> None:
    """The short name keeps filters and window, so that a tightened bound is the same promise."""
    slo = parse_slo("availability[tenant=acme,stream=true] during faults >= 95%")
    assert "availability[tenant=acme,stream=true]-during-faults" == slo.short_name
    assert "availability" == parse_slo("availability >= 1").short_name
