"""The HTML report: whole, harmless, offline, and there when evidence is not."""

import json
import re
from html import unescape
from html.parser import HTMLParser

import msgspec
import pytest

from brownout.rundir import RunDir
from reports import html
from reports.wording import clean


class _Page(HTMLParser):
    """Collects the page's elements and its text, scripts apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


@pytest.fixture
def page(run: RunDir) -> _Page:
    """Return the parsed report of the run with evidence."""
    return _Page(html.render(run).read_text(encoding="utf-8"))


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_every_promise_is_told(run: RunDir, page: _Page) -> None:
    """Each promise's text and reason stands in the report, and so do outcome, seed and replay line."""
    text, plan = _flat(page.text), run.plan()
    told = [promise.slo for promise in run.verdicts().promises]
    told += [_flat(clean(promise.why)) for promise in run.verdicts().promises]
    told += ["FAIL", "2 promises broken, 2 unknown, 2 kept, 2 skipped", str(plan.seed), plan.replay]
    expected: list[str] = []
    assert expected == [part for part in told if part not in text]


def test_what_the_clouds_overlooked_stands_in_the_head(run: RunDir, page: _Page) -> None:
    """A target that is excused something is not judged as one that is not, and whoever reads the report sees it."""
    assert "overlooked" not in page.text
    run.write_plan(msgspec.structs.replace(run.plan(), lenient=["sigv4-host-without-port", "<b>"]))
    head = html.render(run).read_text(encoding="utf-8").partition("</header>")[0]
    assert "<dt>overlooked by the clouds</dt><dd>sigv4-host-without-port, &lt;b&gt;</dd>" in head


def test_failing_tests_come_first_and_all_of_a_few_are_unfolded(page: _Page) -> None:
    """What must be acted on is seen first; a run of few tests is seen whole without a click."""
    tests = [attrs for tag, attrs in page.elements if tag == "details" and "test" in (attrs.get("class") or "")]
    folded = [(attrs["class"], "open" in attrs) for attrs in tests]
    expected = [
        ("test fail", True),
        ("test unknown", True),
        ("test unknown", True),
        ("test pass", True),
        ("test skipped", True),
    ]
    assert expected == folded


def test_evidence_is_never_markup(run: RunDir, page: _Page) -> None:
    """A hostile string makes no element: the page has its own three scripts and nothing says `alert` unescaped."""
    source = run.file("report.html").read_text(encoding="utf-8")
    expected = (3, False, False, False)
    assert expected == (len(page.scripts), "<script>alert" in source, "\x1b" in source, "\u202e" in page.text)


def test_chart_labels_are_not_plotly_markup(page: _Page) -> None:
    """Plotly reads tags in labels; those of evidence arrive as text."""
    charts = json.loads(page.scripts[0])
    labels = [note["text"] for chart in charts.values() for note in chart["layout"]["annotations"]]
    expected = (["t0"], True, False)
    assert expected == (list(charts), "&lt;/script&gt;" in " ".join(labels), "<" in " ".join(labels))


def test_nothing_is_fetched(page: _Page) -> None:
    """No element refers to another file or server, and the page's own policy forbids it."""
    refers = [str(attrs) for _, attrs in page.elements if {"src", "action", "srcset", "data"} & set(attrs)]
    links = [str(attrs["href"]) for _, attrs in page.elements if not (attrs.get("href") or "#").startswith("#")]
    policy = next(attrs["content"] or "" for tag, attrs in page.elements if tag == "meta" and "http-equiv" in attrs)
    assert not refers + links
    expected = ("default-src 'none'", 2)
    assert expected == (policy.split(";")[0], len(re.findall(r"'sha256-[^']+'", policy)))


def test_witnesses_are_told_from_both_ends(page: _Page) -> None:
    """A witness names what its client saw and each endpoint that was tried for it; a lost one says that it is."""
    text = _flat(page.text)
    told = [
        "broken-3 of a|b",
        "due at 3.5 s",
        "truncated a|b",
        "east after 0.000 s: refused 503",
        "west after 0.050 s:",
    ]
    expected: list[str] = []
    assert expected == [part for part in [*told, "not in the clients' records"] if part not in text]


def test_faults_say_what_they_met_and_whether_they_were_undone(page: _Page) -> None:
    """Off, fired and undone come from the evidence; what was not seen is said so."""
    text = _flat(page.text)
    expected = [True, True, True]
    assert expected == [part in text for part in ("yes, read back", "never seen off", "0, met nothing")]


def test_requests_outside_their_boundary_stand_out(page: _Page) -> None:
    """Europa may only use the west, and two of its attempts arrived in the east."""
    assert "2 outside" in page.text


def test_the_log_of_a_failed_test_is_shown(page: _Page) -> None:
    """The target's last words help to find out why."""
    assert "last words" in page.text


def test_the_log_tail_stays_inside_the_run(run: RunDir) -> None:
    """A test named like a way out of the run directory reads no file there."""
    outside = run.path.parent / "target.log"
    outside.write_text("private")
    expected = ("", True)
    assert expected == (html.log_tail(run, ".."), "last words" in html.log_tail(run, "broken"))


def test_missing_evidence_is_said_aloud(bare: RunDir) -> None:
    """A run without records still has its verdicts told, and says which files are missing."""
    text = _flat(_Page(html.render(bare).read_text(encoding="utf-8")).text)
    told = ["client.jsonl is missing", "faults.jsonl is missing", "No samples", "never seen on", "it never recovered"]
    expected: list[str] = []
    assert expected == [part for part in told if part not in text]


def test_broken_evidence_is_said_aloud(run: RunDir) -> None:
    """An unreadable file costs its own layer only."""
    run.file("client.jsonl").write_text('{"test": 5}\n')
    run.file("phases.jsonl").write_text("")
    text = _flat(unescape(html.render(run).read_text(encoding="utf-8")))
    expected = [True, True]
    assert expected == [part in text for part in ("client.jsonl could not be read", "phases.jsonl holds no records")]
