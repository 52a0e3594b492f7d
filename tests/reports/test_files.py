"""The files for CI and for pull requests."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import msgspec
import pytest

import reports
from brownout.errors import BadInput
from brownout.rundir import RunDir
from reports import html, junit, markdown
from reports.markdown import escape


def _judge_again(run: RunDir, **changes: object) -> None:
    path = run.file("verdicts.json")
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(run.verdicts(), **changes)))


def test_render_all_writes_every_registered_report_into_the_run(run: RunDir) -> None:
    """One call leaves the three files where people look for them."""
    names = ["junit.xml", "summary.md", "report.html"]
    assert [run.file(name) for name in names] == reports.render_all(run)
    expected = [True, True, True]
    assert expected == [run.file(name).stat().st_size > 0 for name in names]


@pytest.mark.parametrize("name", list(reports.REPORTS))
def test_a_run_that_was_not_judged_says_how_to_judge_it(run: RunDir, name: str) -> None:
    """A report decides nothing, so without verdicts there is none."""
    run.file("verdicts.json").unlink()
    with pytest.raises(BadInput, match="brownout judge"):
        reports.REPORTS[name](run)


def test_junit_is_as_it_was(run: RunDir, golden: Callable[[str, str], None]) -> None:
    """The whole of junit.xml, hostile strings included."""
    golden("junit.xml", junit.render(run).read_text(encoding="utf-8"))


def test_junit_parses_and_counts_a_case_per_promise(run: RunDir) -> None:
    """Control characters and `]]>` in evidence leave well-formed XML; the forgotten test counts as an error."""
    root = ET.parse(junit.render(run)).getroot()  # noqa: S314 - our own file
    counts = {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")}
    expected = {"tests": "9", "failures": "2", "errors": "3", "skipped": "2"}
    assert expected == counts
    assert {"unknown"} == {error.get("type") for error in root.iter("error")}


def test_junit_names_the_feature_a_skipped_promise_lacks(run: RunDir) -> None:
    """Skipped says what the target would have to declare."""
    root = ET.parse(junit.render(run)).getroot()  # noqa: S314 - our own file
    messages = sorted(str(skipped.get("message")) for skipped in root.iter("skipped"))
    expected = ["the target does not declare: gpu", "the target does not declare: streaming"]
    assert expected == messages


@pytest.mark.parametrize(
    ("lacking", "why"),
    [
        (["gpu", "load-shedding"], "the target does not declare: gpu, load-shedding"),
        (["topology: an endpoint of capacity gpu"], "the topology has no such thing: an endpoint of capacity gpu"),
        (
            ["here: faults of the process"],
            "it cannot be had here: faults of the process",
        ),
    ],
    ids=["target", "topology", "clock"],
)
def test_a_test_left_out_whole_says_whose_lack_it_was(run: RunDir, lacking: list[str], why: str) -> None:
    """What a topology has not, or a clock cannot play, is not for a target to declare; no report says that it is."""
    plan = run.plan()
    left_out = [test for test in plan.tests if test.test == "left-out"]
    run.write_plan(msgspec.structs.replace(plan, tests=[msgspec.structs.replace(left_out[0], skipped=lacking)]))
    _judge_again(run, outcome="unknown", promises=[])
    root = ET.parse(junit.render(run)).getroot()  # noqa: S314 - our own file
    assert [why] == [skipped.get("message") for skipped in root.iter("skipped")]
    assert f"Not run: {why}." in markdown.render(run).read_text(encoding="utf-8")
    assert f"Not run: {why}." in html.render(run).read_text(encoding="utf-8")


def test_junit_is_loud_when_everything_was_skipped(run: RunDir) -> None:
    """A run that showed nothing is unknown, and CI must not paint it green."""
    plan = run.plan()
    run.write_plan(msgspec.structs.replace(plan, tests=[test for test in plan.tests if test.test == "left-out"]))
    _judge_again(run, outcome="unknown", promises=[p for p in run.verdicts().promises if p.test == "left-out"])
    root = ET.parse(junit.render(run)).getroot()  # noqa: S314 - our own file
    expected = [("brownout.run", "overall")]
    assert expected == [
        (case.get("classname"), case.get("name")) for case in root.iter("testcase") if case.find("error") is not None
    ]


def test_summary_is_as_it_was(run: RunDir, golden: Callable[[str, str], None]) -> None:
    """The whole of summary.md, hostile strings included."""
    golden("summary.md", markdown.render(run).read_text(encoding="utf-8"))


def test_summary_keeps_hostile_values_inside_their_cells(run: RunDir) -> None:
    """Pipes and newlines in evidence neither add cells nor end rows."""
    text = markdown.render(run).read_text(encoding="utf-8")
    cells = {line.replace(r"\|", "").count("|") for line in text.splitlines() if line.startswith("|")}
    assert {6} == cells
    assert "<script" not in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a|b", r"a\|b"),
        ("one\r\n two", "one two"),
        ("[x](http://y)", r"\[x\](http://y)"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("\x1b[0m", r"\\x1b\[0m"),
    ],
)
def test_markdown_values_are_only_text(value: str, expected: str) -> None:
    """What could be a cell, a row, a link, a tag or a control sequence is shown instead."""
    assert expected == escape(value)
