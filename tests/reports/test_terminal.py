"""What is printed on a terminal and into a CI log."""

import io
import sys
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from brownout.egress import LAYERS
from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.verdict import Verdicts
from reports.terminal import (
    LeakRow,
    LiveView,
    MatrixRow,
    make_console,
    print_leaks,
    print_matrix,
    print_verdicts,
)

MARKUP = "[red]x[/red] [/] \x1b[2J"
COLUMNS = [
    "success/baseline",
    "success/during",
    "ttft-p99/during",
    "amplification",
    "boundary",
    "retry-after",
    "truncated",
    "telemetry/requests",
    "provisioned-first",
    "background-share",
]


def _console(*, width: int = 120, terminal: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        height=24,
        force_terminal=terminal,
        highlight=False,
        color_system="truecolor" if terminal else None,
        _environ={},
    )


def _said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _row(router: str, own: set[str], also: set[str], cells: dict[str, str], *, caught: bool) -> MatrixRow:
    return MatrixRow(router=router, own=frozenset(own), also=frozenset(also), cells=cells, caught=caught)


def _rows() -> list[MatrixRow]:
    green = dict.fromkeys(COLUMNS, "pass")
    red = dict.fromkeys(("amplification", "success/during"), "fail")
    return [
        _row("reference", set(), set(), green, caught=True),
        _row("retries-for-ever", {"amplification"}, {"success/during"}, green | red, caught=True),
        _row("leaks", {"boundary"}, set(), green | {"success/during": "fail"}, caught=False),
        _row("cuts", {"truncated"}, set(), {"truncated": "fail", "boundary": "unknown"}, caught=True),
        _row(MARKUP, {"retry-after"}, set(), green | {"retry-after": "skipped"}, caught=False),
    ]


@pytest.mark.parametrize("width", [120, 80])
@pytest.mark.parametrize("verbose", [False, True])
def test_verdicts_are_as_they_were(
    verdicts: Verdicts, plan: Plan, golden: Callable[[str, str], None], width: int, *, verbose: bool
) -> None:
    """Broken first, unknown next, kept in a line a test (or in full), the replay line last."""
    console = _console(width=width)
    print_verdicts(verdicts, console, verbose=verbose, replay=plan.replay, plan=plan)
    golden(f"verdicts-{width}{'-verbose' if verbose else ''}.txt", _said(console))


@pytest.mark.parametrize(("unknown", "rows"), [(4, 0), (3, 3)])
def test_one_reason_for_many_unknowns_is_said_once(verdicts: Verdicts, unknown: int, rows: int) -> None:
    """A wall of rows that all begin alike hides the one thing to be learned from it; a few are named each."""
    kept = verdicts.promises[0]
    spoiled = [
        msgspec.structs.replace(kept, id=f"s/t/{n}", outcome="unknown", why=f"dns-gone-1 never fired; all {n} served")
        for n in range(unknown)
    ]
    console = _console()
    print_verdicts(msgspec.structs.replace(verdicts, outcome="unknown", promises=[kept, *spoiled]), console)
    said = [line for line in _said(console).splitlines() if line.startswith("unknown ")]
    assert max(rows, 1) == len(said)
    assert (rows == 0) == (said[0].rstrip() == f"unknown  {kept.suite}/{kept.test}  4 of 5: dns-gone-1 never fired")


def test_what_a_fault_that_never_fired_would_have_needed_is_said_once(verdicts: Verdicts, plan: Plan) -> None:
    """Whose router cannot meet a fault has to learn why, and not from every row."""
    test = plan.tests[1]
    needing = msgspec.structs.replace(test.injections[0], needs="a router that asks for names")
    plan = msgspec.structs.replace(plan, tests=[msgspec.structs.replace(test, injections=[needing])])
    kept = verdicts.promises[0]
    spoiled = [
        msgspec.structs.replace(
            kept, id=f"s/t/{n}", test=test.test, outcome="unknown", why=f"{needing.id} never fired; all {n} served"
        )
        for n in range(3)
    ]
    console = _console()
    print_verdicts(msgspec.structs.replace(verdicts, outcome="unknown", promises=spoiled), console, plan=plan)
    assert 1 == _said(console).count(f"{needing.id} needs a router that asks for names.")


def test_a_request_that_suffered_is_not_hidden_behind_the_one_reason(verdicts: Verdicts) -> None:
    """A router that never came back has a row, though a fault that never fired kept it from being convicted."""
    kept = verdicts.promises[0]
    spoiled = [
        msgspec.structs.replace(
            kept, id=f"s/t/{n}", outcome="unknown", why="cut-1 never fired", witnesses=["acme-7"] if n == 0 else []
        )
        for n in range(5)
    ]
    console = _console()
    print_verdicts(msgspec.structs.replace(verdicts, outcome="unknown", promises=[kept, *spoiled]), console)
    said = _said(console)
    assert (1, 1) == (said.count("witnesses: acme-7"), said.count("4 of 6: cut-1 never fired"))


def test_the_replay_line_is_last_and_in_one_piece(verdicts: Verdicts) -> None:
    """It is copied into a shell, so a narrow terminal must not fold it."""
    console, replay = _console(width=40), "brownout gate " + "--with-a-long-option " * 5 + "--seed 7"
    print_verdicts(verdicts, console, replay=replay)
    assert f"replay: {replay}" == _said(console).splitlines()[-1]


@pytest.mark.parametrize("width", [90, 40])
def test_the_matrix_is_as_it_was(golden: Callable[[str, str], None], width: int) -> None:
    """A numbered column a promise, in bands where they do not fit beside each other, and a legend."""
    console = _console(width=width)
    print_matrix(COLUMNS, _rows(), console)
    golden(f"matrix-{width}.txt", _said(console))


def test_the_leaks_are_as_they_were(golden: Callable[[str, str], None]) -> None:
    """A row a leak and a column a layer, the one meant for it marked; those that it missed are counted by name."""
    blind = dict.fromkeys(LAYERS, "blind")
    rows = [
        LeakRow("retries-abroad", "plaintext", blind | {"plaintext": "saw", "flows": "absent"}, caught=True),
        LeakRow("logs-prompts", "files", blind | {"plaintext": "saw"}, caught=False),
        LeakRow(MARKUP, "names", blind | {"names": "absent", "files": "incomplete"}, caught=False),
        LeakRow("tells-by-waiting", "twin", blind, caught=True),
    ]
    console = _console(width=80)
    print_leaks(LAYERS, rows, console)
    golden("leaks-80.txt", _said(console))


def test_the_matrix_fits_its_console() -> None:
    """No line of it is wider than the terminal, with sixty promises and long names."""
    columns = [f"a-rather-long-promise-name/{number}" for number in range(60)]
    rows = [_row(f"a-router-with-defect-{number}", set(columns[:1]), set(), {}, caught=False) for number in range(3)]
    console = _console(width=100)
    print_matrix(columns, rows, console)
    lines = _said(console).splitlines()
    legend = next(place for place, line in enumerate(lines) if line.startswith("F its own promise"))
    assert max(len(line.rstrip()) for line in lines[:legend]) <= 100


def _play(view: LiveView, run: RunDir) -> None:
    plan = run.plan()
    with view:
        view.plan(plan, run)
        view.test_phase("broken", "raising", MARKUP)
        view.test_phase("broken", "fault")
        view.progress("broken", 2.0, 6.0, {"ok": 10, "hung": 2, "unsent": 1}, 9.5, ["i1", MARKUP])
        view.test_phase("broken", "fault")
        view.note(MARKUP)
        view.test_phase("broken", "failed", "1 promise broken")
        view.test_phase(MARKUP, "waiting")
        view.verdicts(run.verdicts(), plan)
        view.close()


def test_a_log_gets_plain_lines_at_phase_changes_only(run: RunDir, golden: Callable[[str, str], None]) -> None:
    """Without a terminal there are no control codes, no progress, and no line said twice."""
    console = _console()
    _play(LiveView(console), run)
    said = _said(console)
    golden("live-log.txt", said.replace(str(run.path), "RUN"))
    expected = (False, 1)
    assert expected == ("\x1b" in said, said.count("fault     broken"))


def test_a_terminal_shows_progress_and_no_control_codes_of_evidence(run: RunDir) -> None:
    """The live table shows counts and faults; what evidence holds reaches the screen as text only."""
    console = _console(terminal=True)
    view = LiveView(console)
    with view:
        view.plan(run.plan(), run)
        view.test_phase("broken", "fault")
        view.progress("broken", 2.0, 6.0, {"ok": 10, "hung": 2, "unsent": 1}, 9.5, ["region-down at east", MARKUP])
    said = _said(console)
    shown = {text: text in said for text in ("broken", "9.5/s", "10", "region-down at east", "\x1b[2J")}
    expected = {"broken": True, "9.5/s": True, "10": True, "region-down at east": True, "\x1b[2J": False}
    assert expected == shown


def test_a_small_terminal_shows_what_is_under_way(run: RunDir) -> None:
    """With more tests than lines, the ones under way stay visible and the others are counted."""
    console = _console(terminal=True)
    with LiveView(console) as view:
        view.plan(run.plan(), run)
        for number in range(40):
            view.test_phase(f"test-{number}", "judged" if number < 20 else "fault" if number == 20 else "waiting")
    last = _said(console).split("faults on now")[-1]
    expected = (True, True)
    assert expected == ("test-20 " in last, "not shown:" in last)


def test_an_output_of_few_characters_does_not_break_the_verdicts(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ASCII log gets escapes instead of an encoding error at the very end of a run."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    print_verdicts(verdicts, make_console(), verbose=True, replay="again")
    sys.stdout.flush()
    expected = b"replay: again"
    assert expected == raw.getvalue().splitlines()[-1]


def test_what_was_seen_though_nobody_promised_it_has_a_row_of_its_own(verdicts: Verdicts) -> None:
    """With how often, and the first place of it: not as one of many that were skipped."""
    left_out = next(promise for promise in verdicts.promises if promise.outcome == "skipped")
    left_out.seen_all_the_same = True
    left_out.observed, left_out.samples, left_out.witnesses = 2.0, 7, ["acme-3"]
    left_out.why = "the target does not declare: streaming; seen all the same: 2 of 7"
    console = _console(width=300)
    print_verdicts(verdicts, console, stories={left_out.id: "acme's prompt (acme-3) reached sink:otlp"})
    said = _said(console)
    assert [True] * 3 == [part in said for part in ("seen all the same", "acme's prompt", "witnesses: acme-3")]
