"""What a target says of itself, against what was seen: fail, pass and unknown, by literal histories."""

import string
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.errors import BadInput
from brownout.evidence import TelemetryRecord
from brownout.exposition import Selector, Series, read_exposition, read_selector
from brownout.judge import judge
from brownout.telemetry import CONVENTIONS, Says, Telemetry, total, totals_by
from brownout.verdict import Promise
from tests.histories import ABROAD, LAST_S, NEAR, SPARE, TEST, Story, attempt, lost

SAYS = Says(
    requests="asked_total",
    errors='asked_total{outcome!="ok"}',
    attempts="sent_total",
    by="endpoint",
    tokens="tokens_total",
    failovers="failovers_total",
)
PROMISES = {
    "requests": "telemetry_requests_error_ratio <= 2%",
    "errors": "telemetry_errors_error_ratio <= 2%",
    "attempts": "telemetry_attempts_error_ratio <= 2%",
    "tokens": "telemetry_tokens_error_ratio <= 2%",
    "failovers": "telemetry_failovers_error_ratio <= 2%",
}
BEFORE = """
# TYPE asked_total counter
asked_total{outcome="ok"} 5
# TYPE failovers_total counter
# TYPE sent_total counter
sent_total{endpoint="near"} 5
tokens_total 25
"""
# What the story's history is, besides the five requests that went before it.
TRUE = {"ok": 125, "broken": 0, "near": 5 + 60, "spare": 30, "abroad": 30, "tokens": 25 + 600, "failovers": 0}


def _after(**changes: int) -> str:
    told = TRUE | changes
    return "\n".join(
        [
            *(f'asked_total{{outcome="{name}"}} {told[name]}' for name in ("ok", "broken")),
            *(f'sent_total{{endpoint="{name}"}} {told[name]}' for name in (NEAR, SPARE, ABROAD)),
            f"tokens_total {told['tokens']}",
            f"failovers_total {told['failovers']}",
        ]
    )


def _judged(story: Story, after: str | None, before: str = BEFORE) -> Promise:
    run = story.write()
    said = [TelemetryRecord(test=TEST, at_s=0.0, when="before", text=before)]
    if after is not None:
        said.append(TelemetryRecord(test=TEST, at_s=LAST_S, when="after", text=after))
    run.file("telemetry.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in said))
    (promise,) = judge(run).promises
    return promise


def _story(folder: Path, figure: str) -> Story:
    """A story in which every attempt put out five tokens."""
    story = Story(folder, PROMISES[figure], says=SAYS)
    for record in story.provider:
        record.tokens = 5
    return story


@pytest.mark.parametrize("figure", ["requests", "attempts", "tokens"])
def test_the_truth_passes(figure: str, tmp_path: Path) -> None:
    """What was counted before load does not count."""
    assert "pass" == _judged(_story(tmp_path, figure), _after()).outcome


@pytest.mark.parametrize(
    ("figure", "lie"),
    [
        ("requests", {"ok": 135}),
        ("requests", {"ok": 115}),
        ("attempts", {"near": 95, "spare": 0}),
        ("attempts", {"abroad": 15}),
        ("tokens", {"tokens": 100}),
        ("tokens", {"tokens": 1300}),
    ],
)
def test_a_lie_fails(figure: str, lie: dict[str, int], tmp_path: Path) -> None:
    """Too many, too few, and under another's name."""
    assert "fail" == _judged(_story(tmp_path, figure), _after(**lie)).outcome


@pytest.mark.parametrize(("said", "outcome"), [(10, "pass"), (0, "fail"), (12, "fail")])
def test_a_broken_stream_is_an_error(said: int, outcome: str, tmp_path: Path) -> None:
    """Ten streams broke off after a 200."""
    story = _story(tmp_path, "errors")
    for place in story.during()[:10]:
        story.client[place] = lost(place, story.client[place].due_s, "error", status=200)
    assert outcome == _judged(story, _after(ok=125 - said, broken=said)).outcome


@pytest.mark.parametrize(("said", "outcome"), [(0, "pass"), (10, "pass"), (11, "fail")])
def test_whether_a_client_that_gave_up_is_an_error_is_the_targets_to_say(
    said: int, outcome: str, tmp_path: Path
) -> None:
    """Ten clients had waited for too long."""
    story = _story(tmp_path, "errors")
    for place in story.during()[:10]:
        story.client[place] = lost(place, story.client[place].due_s, "hung")
    assert outcome == _judged(story, _after(ok=125 - said, broken=said)).outcome


def test_where_nothing_failed_nobody_knows_whether_failures_are_counted(tmp_path: Path) -> None:
    """A zero that was not put to the test is no evidence."""
    assert "unknown" == _judged(_story(tmp_path, "errors"), _after()).outcome


@pytest.mark.parametrize(("said", "outcome"), [(8, "pass"), (16, "pass"), (7, "fail"), (0, "fail"), (17, "fail")])
def test_failovers_may_be_counted_by_request_or_by_move(said: int, outcome: str, tmp_path: Path) -> None:
    """Eight requests went on twice."""
    story = _story(tmp_path, "failovers")
    for place in story.during()[:8]:
        due_s = story.client[place].due_s
        story.provider.insert(0, attempt(place, due_s, NEAR, end_s=due_s, outcome="refused"))
        story.provider.insert(0, attempt(place, due_s, NEAR, end_s=due_s, outcome="refused"))
    assert outcome == _judged(story, _after(failovers=said)).outcome


@pytest.mark.parametrize(("said", "outcome"), [(0, "pass"), (8, "pass"), (9, "fail")])
def test_a_hedge_that_nobody_had_failed_is_a_failover_if_the_target_says_so(
    said: int, outcome: str, tmp_path: Path
) -> None:
    """Eight requests were asked for at a second endpoint while the first was still silent, and hung up on there."""
    story = _story(tmp_path, "failovers")
    for place in story.during()[:8]:
        due_s = story.client[place].due_s
        story.provider.insert(0, attempt(place, due_s - 0.1, NEAR, end_s=due_s + 0.1, outcome="client-gone"))
    assert outcome == _judged(story, _after(failovers=said)).outcome


@pytest.mark.parametrize(
    ("figure", "said", "outcome"),
    [
        ("attempts", {}, "pass"),
        ("attempts", {"near": TRUE["near"] + 30}, "pass"),
        ("attempts", {"near": TRUE["near"] + 40}, "fail"),
        ("tokens", {"tokens": TRUE["tokens"] + 60}, "pass"),
        ("tokens", {"tokens": TRUE["tokens"] + 90}, "fail"),
    ],
)
def test_health_checks_may_count_or_not(figure: str, said: dict[str, int], outcome: str, tmp_path: Path) -> None:
    """The target asked an endpoint thirty questions of its own, of two tokens each."""
    story = _story(tmp_path, figure)
    story.provider += [attempt(0, 0.5 * n, NEAR, canary=None, tenant=None, tokens=2) for n in range(30)]
    assert outcome == _judged(story, _after(**said)).outcome


def test_failovers_that_nobody_saw_are_unknown(tmp_path: Path) -> None:
    """No request was seen at two endpoints."""
    assert "unknown" == _judged(_story(tmp_path, "failovers"), _after()).outcome


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (None, "could not be read after load"),
        ("other_total 7", "nothing in the target's metrics is called 'asked_total'"),
        ('asked_total{outcome="ok"} 3', "went back by 2"),
        ("<html>", "not in Prometheus's text format"),
    ],
)
def test_what_does_not_tell_is_unknown(after: str | None, why: str, tmp_path: Path) -> None:
    """Absent, called otherwise, begun anew, unreadable."""
    promise = _judged(_story(tmp_path, "requests"), after)
    assert ("unknown", True) == (promise.outcome, why in promise.why), promise.why


def test_a_figure_that_the_target_does_not_name_is_unknown(tmp_path: Path) -> None:
    """Its file says nothing of tokens."""
    story = Story(tmp_path, "telemetry_tokens_error_ratio <= 2%", says=Says(requests="asked_total"))
    story.provider[0].tokens = 5
    assert "unknown" == _judged(story, _after()).outcome


_VALUES = st.text(st.characters(codec="utf-8"))
_NAMES = st.text(string.ascii_lowercase + "_", min_size=1)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@given(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=4), st.floats(allow_nan=False))
def test_whatever_was_written_is_read(name: str, labels: dict[str, str], value: float) -> None:
    """Quotes, braces, commas, backslashes and line ends in labels, and infinities."""
    inside = ",".join(f"{label}={_quoted(text)}" for label, text in labels.items())
    text = f"# HELP {name} what\n{name}{{{inside}}} {value} 1700000000000\n"
    assert [Series(name, labels, value)] == list(read_exposition(text).series)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a ValueError comes of a page that is no exposition."""
    try:
        read_exposition(text)
    except ValueError:
        return


@given(_NAMES, _NAMES, _VALUES)
def test_a_selector_finds_what_it_names(name: str, label: str, value: str) -> None:
    """Equal and unequal labels divide the series between them."""
    said = read_exposition(f"{name}{{{label}={_quoted(value)}}} 1\n{name} 2\n")
    equal = total(f"{name}{{{label}={_quoted(value)}}}", said)
    unequal = total(f"{name}{{{label}!={_quoted(value)}}}", said)
    assert 3 == (equal or 0) + (unequal or 0)


def test_selectors_match_as_prometheus_does() -> None:
    """A regular expression matches the whole value; a label that is absent is empty."""
    said = read_exposition('a{x="one"} 1\na{x="two"} 2\na 4\n')
    texts = {'a{x=~"o.*"}': 1, 'a{x=~"w"}': 0, 'a{x!~"one|two"}': 4, 'a{x=""}': 4, "a": 7, "b or a": 7, "a or b": 7}
    assert texts == {text: total(text, said) for text in texts}
    assert {"one": 1, "two": 2, "": 4} == totals_by("a", "x", said)
    assert None is total("b", said)


def test_a_name_beyond_letters_stands_in_the_braces() -> None:
    """As Prometheus 3 writes names with dots."""
    assert [Series("gen_ai.usage", {"a": "b"}, 3.0)] == list(read_exposition('{"gen_ai.usage",a="b"} 3').series)


def test_a_metric_that_is_only_declared_is_zero() -> None:
    """A counter with labels has no sample before its first count."""
    assert 0 == total("errors_total", read_exposition("# TYPE errors_total counter\n"))


@pytest.mark.parametrize("text", ["", "a b", 'a{x="1"', "a{x=1}", 'a{"x"}', 'a{x=~"("}', 'a{x="1" y="2"}'])
def test_a_selector_that_is_none_is_refused(text: str) -> None:
    """With the place, and an example."""
    with pytest.raises(BadInput, match="cannot read the selector"):
        read_selector(text, where="t.yaml")


def test_opentelemetrys_names_are_known() -> None:
    """Every selector of the convention can be read; own words go before it."""
    told = Telemetry(prometheus="/metrics", convention="otel-genai", says=Says(failovers="moved_total")).told
    said = read_exposition(
        'gen_ai_client_operation_duration_seconds_count{gen_ai_provider_name="aws.bedrock",error_type="timeout"} 2\n'
        'gen_ai_client_token_usage_sum{gen_ai_token_type="output"} 40\n'
        'gen_ai_client_token_usage_sum{gen_ai_token_type="input"} 70\n'
    )
    assert {"aws.bedrock": 2} == totals_by(told.attempts, told.by, said)
    assert 40 == total(told.tokens, said)
    assert (Selector("moved_total"),) == read_selector(told.failovers)
    Telemetry(prometheus="/metrics", convention=next(iter(CONVENTIONS))).check(where="t.yaml: telemetry")  # type: ignore[arg-type]


def test_telemetry_without_a_place_is_refused() -> None:
    """It says what, and not where."""
    with pytest.raises(BadInput, match="Add prometheus"):
        Telemetry(says=SAYS).check(where="t.yaml: telemetry")


@pytest.mark.parametrize(("said", "outcome"), [(1, "pass"), (3, "pass"), (4, "fail"), (0, "fail")])
def test_of_common_questions_nobody_knows_how_many_went_on(said: int, outcome: str, tmp_path: Path) -> None:
    """One request was seen to; each of two attempts for a common question may have been a failover, or not."""
    story = _story(tmp_path, "failovers")
    story.provider[0] = attempt(0, 0.01, NEAR, outcome="refused")
    story.provider.append(attempt(0, 0.5, SPARE))
    story.provider += [attempt(0, at_s, SPARE, canary="anyone@common-1", tenant=None) for at_s in (1.0, 2.0)]
    assert outcome == _judged(story, _after(failovers=said)).outcome
