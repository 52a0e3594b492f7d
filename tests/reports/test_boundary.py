"""Every report says how strong the proof is, and shows what left without showing a byte of it."""

import io
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from rich.console import Console

from brownout.canary import COMMON, PREFIX
from brownout.egress import EgressRecord, LayerRecord
from brownout.judge import judge
from brownout.rundir import RunDir
from brownout.verdict import Verdicts
from fixtures.selftest_plays import play_router
from reports import html, junit, markdown, render_all
from reports.boundary import first_stories, run_leaks
from reports.grades import line, reached
from reports.layers import layer_table
from reports.ledger import ledger
from reports.live import LiveView
from reports.reading import read
from tests.histories import ABROAD, ACME, EUROPA, NEAR, SPARE, TEST, Story, a_test, attempt

INSIDE, WRITTEN = "boundary_violations <= 0", "data_written <= 0"
HOSTILE = "<script>alert(1)</script>|\x1b[31m"


def _seen(canary: str, at_s: float, **changes: Any) -> EgressRecord:
    known: dict[str, Any] = {"layer": "plaintext", "place": ABROAD, "kind": "prompt", "chain": "raw", "part": "body"}
    return EgressRecord(test=TEST, canary=canary, at_s=at_s, **(known | changes))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Return a healthy run, not sealed, a fault on from 10 to 20 s of 30."""
    story = Story(tmp_path, INSIDE, WRITTEN)
    story.layers = [layer for layer in story.layers if layer.layer not in {"flows", "names"}]
    return story


@pytest.fixture
def leaky(story: Story) -> RunDir:
    """Return the run with a prompt of acme's abroad, under gzip, and one in a file with a name that means harm."""
    story.egress = [_seen("acme-48", 12.5, chain="gzip"), _seen("acme-60", 30.0, layer="files", place=HOSTILE)]
    judge(story.write())
    return story.run


def _words(page: str) -> str:
    """Return a page's words, without what they are wrapped in."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2].partition("<script")[0])).split())


def test_the_page_says_the_grade_and_what_keeps_it_from_being_stronger(story: Story) -> None:
    """A run that was not sealed is observed, and its page says that nobody looked at flows and names."""
    judge(story.write())
    told = "observed What the target sent, wrote and said was looked at. It could have gone elsewhere unseen."
    why = "Not stronger, because: flows: nothing recorded it; names: nothing recorded it."
    assert f"{told} {why}" in _words(html.page(story.run))


def test_a_page_shows_each_violation_as_a_story(leaky: RunDir) -> None:
    """When, amid which fault, whose data of which kind, under what, in which part, where."""
    words = _words(html.page(leaky))
    told = [
        f"acme's prompt → {ABROAD} in body, under gzip 1\N{MULTIPLICATION SIGN}",
        "first 12.5 s into t, amid region-down at us-east-1: acme-48 , body at byte 0",
        "Of 2 promises about it, 2 broken.",
        "1 outside",
    ]
    expected: list[str] = []
    assert expected == [part for part in told if part not in words]


def test_a_page_of_a_broken_boundary_begins_with_it(leaky: RunDir, story: Story) -> None:
    """What must be acted on is seen first; a boundary that was kept is told of below the tests."""
    broken = html.page(leaky)
    story.egress = []
    judge(story.write())
    kept = html.page(story.run)
    assert [True, False] == [
        page.index('id="boundary"') < page.index('<details class="test') for page in (broken, kept)
    ]


def test_at_most_a_dozen_stories_are_shown_and_the_others_counted(story: Story) -> None:
    """Of twenty ways the rest is a number."""
    story.egress = [_seen("acme-48", 12.5, part=f"header x-{number}") for number in range(20)]
    judge(story.write())
    page = html.page(story.run)
    assert (12, True) == (page.count('<p class="leak">'), "And by 8 other ways, 8 times in all" in _words(page))


def test_a_violation_is_a_mark_on_the_timeline(leaky: RunDir) -> None:
    """It has a lane of its own, where a mark says what it was; one that was found late is hollow, at the end."""
    charts = msgspec.json.decode(re.findall(r'id="charts">(.*?)</script>', html.page(leaky))[0])
    (lane,) = [trace for trace in charts["t0"]["data"] if trace["name"] == "outside a boundary"]
    assert ([12.5, 30.0], ["diamond", "diamond-open"]) == (lane["x"], lane["marker"]["symbol"])
    assert "&lt;script&gt;" in lane["text"][1]


def test_a_run_without_violations_has_no_lane_for_them(story: Story) -> None:
    """An empty lane would make readers look for something."""
    judge(story.write())
    assert "outside a boundary" not in html.page(story.run).partition('id="charts"')[2]


def test_what_evidence_calls_a_place_is_never_markup(leaky: RunDir) -> None:
    """A file's name is the target's to choose."""
    render_all(leaky)
    texts = [leaky.file(name).read_text(encoding="utf-8") for name in ("report.html", "summary.md", "junit.xml")]
    assert [] == [text[:40] for text in texts if "<script>alert" in text or "\x1b" in text]


def test_a_log_that_holds_tenants_data_is_not_shown(story: Story) -> None:
    """The target's last words help to find out why, but for those that are a prompt's."""
    story.egress = [_seen("acme-48", 30.0, layer="files", place="target.log", part="content")]
    judge(story.write())
    story.run.folder(TEST).joinpath("target.log").write_text("DEBUG my salary is a secret\n")
    words = _words(html.page(story.run))
    assert (False, True) == ("salary" in words, "tenants' data is in it" in words)


def test_a_log_is_shown_without_any_canarys_value(story: Story) -> None:
    """Also where no layer has looked, no value gets into a page."""
    value = PREFIX + "A" * 18
    story.run.folder(TEST).joinpath("target.log").write_text(f"asked {value}, failed\n")
    assert "asked CNRY-left-out, failed" == html.log_tail(story.run, TEST).strip()


def test_the_ledger_has_a_row_for_each_profile_and_for_each_place_besides(story: Story) -> None:
    """Attempts are counted by endpoint and inference profile; what was seen elsewhere, by place; all by tenant."""
    story.provider = [
        attempt(1, 1.0, NEAR),
        attempt(2, 2.0, NEAR, profile="global", outcome="refused"),
        attempt(3, 3.0, ABROAD, tenant=EUROPA),
        attempt(4, 4.0, ABROAD),
        attempt(5, 5.0, SPARE, tenant=None),
        attempt(0, 5.0, ABROAD, canary=f"{COMMON}-1", tenant=None),
    ]
    story.egress = [
        _seen("acme-4", 4.0),
        _seen("acme-6", 6.0, place="sts"),
        _seen("acme-7", 7.0, place=NEAR, to=EUROPA),
    ]
    run = story.write()
    plan, evidence = run.plan(), read(run)
    told = ledger(plan, evidence.provider[TEST], run_leaks(plan, evidence)[TEST])
    rows = [
        (row.endpoint.name, row.profile, row.attempts, row.refused, row.tenants, row.strangers) for row in told.rows
    ]
    assert rows == [
        (NEAR, "", 1, 0, [(1, True), (0, False)], [0, 0]),
        (NEAR, "global", 1, 1, [(1, False), (0, False)], [0, 0]),
        (SPARE, "", 1, 0, [(0, True), (0, False)], [1, 0]),
        (ABROAD, "", 3, 0, [(1, False), (1, True)], [0, 1]),
    ]
    aside = [
        ("sts", "in a request that is no attempt", [1, 0], 0),
        (f"{NEAR}, in europa's request", "in another's request", [1, 0], 0),
    ]
    strangers = ["no tenant", "common questions"]
    assert (aside, strangers, [ACME, EUROPA]) == (told.aside, told.strangers, [one.tenant for one in told.tenants])


def test_layers_are_told_over_all_tests_and_repeats() -> None:
    """A layer that one repeat of a test lacks is not complete in that test."""
    tests = [a_test(), a_test(test="t.2", of="t", repeat=2), a_test(test="u")]
    files = {"test": "t", "layer": "files", "counted": 2, "seen": 2, "size_bytes": 10}
    layers = {
        "t": [LayerRecord(**files, complete=True), LayerRecord(test="t", layer="replies", complete=True, seen=1)],
        "t.2": [LayerRecord(**files, complete=True)],
        "u": [LayerRecord(**(files | {"seen": 1}), complete=False, why="a pipe")],
    }
    told = layer_table(layers, tests)
    whole = {one.layer: (one.recorded, one.complete, one.counted, one.seen, one.size_bytes) for one in told.whole}
    assert (2, ["t", "u"]) == (told.tests, list(told.by_test))
    assert ((2, 1, 6, 5, 30), (1, 0, 0, 1, 0), (0, 0, 0, 0, 0)) == (whole["files"], whole["replies"], whole["flows"])
    missed = {why: names for one in told.whole for why, names in one.missed.items()}
    assert {"a pipe": ["u"], "nothing recorded it in 1 of 2 repeats": ["t"]} == missed


OBSERVED = "observed (flows: nothing recorded it; names: nothing recorded it)"


def test_the_grade_is_a_line(story: Story) -> None:
    """The grade first, then why it is no better."""
    assert OBSERVED == line(judge(story.write()))


def test_a_broken_boundary_is_in_the_line(leaky: RunDir) -> None:
    """Who reads one line learns that it was not kept."""
    assert f"{OBSERVED}; of 2 promises about it, 2 broken" == line(leaky.verdicts())


def test_what_nobody_promised_and_was_seen_is_in_the_line_and_comes_first_on_the_page(tmp_path: Path) -> None:
    """Nothing is broken, and the page begins with it all the same."""
    story = Story(tmp_path, INSIDE, WRITTEN, lacking={WRITTEN: ["no-data-written"]})
    story.egress = [_seen("acme-60", 30.0, layer="files", place="target.log", part="content")]
    verdicts = judge(story.write())
    assert ("pass", "enforced; not promised, and seen not to hold: 1") == (verdicts.outcome, line(verdicts))
    page = _words(html.render(story.run).read_text(encoding="utf-8"))
    assert page.index("What was seen where it may not be") < page.index("What happened")


def test_the_weakest_of_the_tests_is_the_runs_grade(leaky: RunDir) -> None:
    """No run proves more than its weakest test, and says in how many that is."""
    verdicts = leaky.verdicts()
    weak = [
        msgspec.structs.replace(p, test="u", grade="endpoints only", grade_why="files: a") for p in verdicts.promises
    ]
    mixed = msgspec.structs.replace(verdicts, promises=[*verdicts.promises, *weak])
    found = reached(mixed)
    assert found is not None
    assert ("endpoints only", ["files: a"]) == (found.grade, found.whys)
    assert line(mixed).startswith("endpoints only in 1 of 2 tests, in 1 observed (files: a)")


def test_promises_that_could_not_be_judged_are_counted(story: Story) -> None:
    """Of a layer that was not there, the line says that promises are unknown, though the metric never had a grade."""
    story.layers = [layer for layer in story.layers if layer.layer != "files"]
    assert line(judge(story.write())).endswith("(files: nothing recorded it); of 2 promises about it, 1 unknown")


@pytest.mark.parametrize(("promises", "said"), [((INSIDE,), False), ((INSIDE, WRITTEN), True)])
def test_what_endpoints_alone_can_tell_makes_no_line(tmp_path: Path, promises: tuple[str, ...], *, said: bool) -> None:
    """A run that was never about more than attempts says nothing of layers; one that was, does."""
    story = Story(tmp_path, *promises)
    story.layers = [layer for layer in story.layers if layer.layer == "plaintext"]
    assert said == bool(line(judge(story.write())))


def test_a_run_without_such_promises_says_nothing(verdicts: Verdicts, run: RunDir) -> None:
    """Older runs, and those about other things, read as they did."""
    assert (None, "", {}) == (reached(verdicts), line(verdicts), first_stories(run, run.plan(), verdicts))


def test_the_summary_has_the_grade_and_the_first_story(leaky: RunDir) -> None:
    """A reviewer reads in the pull request what got out first."""
    text = markdown.render(leaky).read_text(encoding="utf-8")
    when = "12.5 s into t, amid region-down at us-east-1"
    first = f"- `boundary_violations` {when}: acme's prompt (acme-48) reached {ABROAD}"
    assert (True, True) == (f"**Boundary:** {OBSERVED}; of 2" in text, first in text)


def test_the_terminal_has_the_grade_and_the_first_story(leaky: RunDir) -> None:
    """The line stands right above the outcome, the story with its promise."""
    console = Console(file=io.StringIO(), width=200, highlight=False, color_system=None)
    view = LiveView(console)
    view.plan(leaky.plan(), leaky)
    view.verdicts(leaky.verdicts(), leaky.plan())
    assert isinstance(console.file, io.StringIO)
    said = " ".join(console.file.getvalue().split())
    told = [f"boundary: {OBSERVED}; of 2 promises about it, 2 broken FAIL", "first: 12.5 s into t, amid region-down"]
    expected: list[str] = []
    assert expected == [part for part in told if part not in said]


def test_junit_has_the_grade_as_a_property(leaky: RunDir) -> None:
    """CI systems show a case's properties."""
    root = ET.parse(junit.render(leaky)).getroot()  # noqa: S314 - our own file
    told = {(one.get("name"), one.get("value")) for one in root.iterfind(".//testcase/properties/property")}
    assert {("grade", "observed"), ("grade-why", "flows: nothing recorded it; names: nothing recorded it")} == told


@pytest.mark.parametrize("name", ["gzipped-metrics", "quotes-in-errors", "logs-prompts"])
def test_nothing_of_what_left_is_in_any_report(name: str, tmp_path: Path) -> None:
    """A router that leaks is played, and its reports hold neither a canary's value nor a word of a prompt."""
    play_router(name, 1, tmp_path / name, brief=True)
    run = RunDir(tmp_path / name)
    texts = [path.read_text(encoding="utf-8") for path in render_all(run)]
    texts += first_stories(run, run.plan(), run.verdicts()).values()
    assert 4 <= len(texts)
    assert [] == [text[:40] for text in texts if PREFIX in text or "knowledge base" in text]


@pytest.fixture
def unread(leaky: RunDir) -> Callable[[], str]:
    """Return what the page says when what was seen cannot be read any more."""
    leaky.file("egress.jsonl").write_text('{"test": 5}\n')
    leaky.file("layers.jsonl").unlink()
    return lambda: _words(html.page(leaky))


def test_evidence_that_cannot_be_read_is_said_aloud(unread: Callable[[], str]) -> None:
    """The page is there without its stories; the verdicts stand."""
    words = unread()
    assert (True, True) == ("egress.jsonl could not be read" in words, "Of 2 promises about it, 2 broken" in words)
