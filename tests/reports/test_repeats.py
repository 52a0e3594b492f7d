"""Repeats of a test are one test, and a figure from a sample says how sure it is, wherever it is read."""

import io
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from brownout.evidence import ClientRecord, Journal
from brownout.rundir import RunDir
from brownout.verdict import Promise, Verdicts
from reports import html, junit, markdown
from reports.live import LiveView
from reports.verdict_table import print_verdicts
from reports.wording import interval, measured, results

WHY = "its fault window lasts 66 s and not 20 s: the target declares failover_within_s 6 and cooldown_s 60"
PERCENT = Promise(
    id="s/t/x",
    suite="s",
    test="t",
    slo="availability >= 95%",
    outcome="pass",
    observed=0.973333,
    unit="ratio",
    samples=300,
    witnesses=[],
    why="",
    low=0.9514,
    high=0.98571,
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "97.33% (95.14-98.57)"),
        ({"low": None}, "97.33% (up to 98.57)"),
        ({"high": None}, "97.33% (from 95.14)"),
        ({"low": None, "high": None}, "97.33%"),
        ({"slo": "availability >= 0.95"}, "0.9733 (0.9514-0.9857)"),
        ({"slo": "ttft_p95_s <= 2s", "unit": "s", "observed": 1.5, "low": 1.25, "high": 1.75}, "1.5 s (1.25-1.75)"),
        ({"low": 0.0, "high": 0.02, "observed": 0.0}, "0% (0-2)"),
        ({"observed": None, "outcome": "unknown"}, "-"),
    ],
)
def test_a_figure_is_said_with_its_interval(changes: dict[str, object], said: str) -> None:
    """In the unit of the promise; an end that nothing bounds is left open, a fact has none."""
    assert said == measured(msgspec.structs.replace(PERCENT, **changes))


@pytest.fixture
def repeated(run: RunDir) -> RunDir:
    """Return the run, each test of it played three times, and longer than the profile would have it."""
    plan = run.plan()
    tests = [
        msgspec.structs.replace(
            test,
            test=test.test if n == 1 else f"{test.test}.{n}",
            repeat=n,
            of="" if n == 1 else test.test,
            stretched=WHY if test.test in ("kept", "broken") else "",
        )
        for test in plan.tests
        for n in (1, 2, 3)
    ]
    run.write_plan(msgspec.structs.replace(plan, tests=tests))
    return run


@pytest.fixture
def said(repeated: RunDir) -> Callable[[], str]:
    """Return what the console is told, before and after."""

    def say() -> str:
        console = Console(file=io.StringIO(), width=120, highlight=False, color_system=None)
        with LiveView(console) as view:
            view.plan(repeated.plan(), repeated)
        print_verdicts(repeated.verdicts(), console, plan=repeated.plan())
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return say


def test_repeats_are_one_row_in_every_report(repeated: RunDir, said: Callable[[], str]) -> None:
    """No report takes a second repeat for a test that nobody judged."""
    plan, verdicts = repeated.plan(), repeated.verdicts()
    assert ["broken", "forgotten", "kept", "left-out", "unproven"] == sorted(
        row.test for row in results(verdicts, plan)
    )
    texts = [said(), html.page(repeated), markdown.text(plan, verdicts), junit.render(repeated).read_text()]
    assert [] == [text[:60] for text in texts if "forgotten.2" in text or "broken.3" in text]


def test_the_console_says_how_often_and_why_it_takes_so_long(said: Callable[[], str]) -> None:
    """Before: the repeats, and the reason for longer tests with how many there are; after: how long it took."""
    lines = said().splitlines()
    assert "repeats each test played 3 times, and judged as one" in lines
    assert f"longer  2 of 5 tests: {WHY}" in lines
    assert lines[-1].endswith("(took 1 min 3 s, each test played 3 times)")


def test_the_files_say_how_often_and_why_it_took_so_long(repeated: RunDir) -> None:
    """So do the page and the summary."""
    page, summary = html.page(repeated), markdown.text(repeated.plan(), repeated.verdicts())
    assert f"2 of 5 tests took longer: {WHY}" in page
    assert "each test played 3 times" in page
    assert f"Took longer: {markdown.escape(WHY)} (2 of 5 tests)." in summary
    assert "repeats **each test played 3 times**" in summary


def test_a_witness_of_a_repeat_is_told_from_its_own_evidence(repeated: RunDir, verdicts: Verdicts) -> None:
    """Requests of the same number were made in each repeat; the page tells of the one that suffered, and draws it."""
    journal = Journal(repeated.file("client.jsonl"))
    journal.write(
        ClientRecord(
            test="broken.2",
            canary="broken-3",
            tenant="acme",
            traffic_class="interactive",
            stream=True,
            due_s=2.0,
            sent_s=2.0,
            end_s=9.0,
            outcome="hung",
        )
    )
    journal.close()
    broken = next(one for one in verdicts.promises if one.outcome == "fail")
    broken = msgspec.structs.replace(broken, witnesses=["broken-3.2"])
    changed = msgspec.structs.replace(verdicts, promises=[broken])
    repeated.file("verdicts.json").write_bytes(msgspec.json.encode(changed))
    page = html.page(repeated)
    assert "<code>broken-3.2</code>" in page
    assert "hung, ended after 7.000 s" in page
    assert "in repeat 2 of 3" in page


def test_facts_have_no_interval() -> None:
    """A count of wrongs is no sample."""
    fact = msgspec.structs.replace(PERCENT, slo="hung_requests <= 0", unit="count", observed=0.0, low=None, high=None)
    assert ("", "0") == (interval(fact), measured(fact))
