"""Scorecards: a page says what its verdicts say, is made from what lies beside it, and keeps people's notes."""

from pathlib import Path

import msgspec
import pytest

from brownout.errors import BadInput
from brownout.evidence import Journal, ProviderRecord
from brownout.plan import Plan, TestPlan
from brownout.rundir import RunDir
from brownout.topology import Tenant, Topology
from brownout.verdict import Outcome, Promise, Verdicts
from brownout.workload import Workload
from reports.card import Card, LeftOut, published
from reports.scorecard import publish, render_again

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "scorecard"
TARGET_FILE = "fixtures/targets/portkey.yaml"


def _promise(name: str, slo: str, outcome: Outcome, **more: object) -> Promise:
    suite, test, _ = name.split("/")
    facts = {"observed": None, "unit": "count", "samples": 0, "witnesses": [], "why": ""} | more
    return Promise(id=name, suite=suite, test=test, slo=slo, outcome=outcome, **facts)  # type: ignore[arg-type]


VERDICTS = Verdicts(
    outcome="fail",
    target="portkey",
    seed=7,
    started_at="2026-11-22T18:00:00.000+00:00",
    duration_s=125.0,
    promises=[
        _promise(
            "failover/stream-cut/truncated_as_success",
            "truncated_as_success <= 0",
            "fail",
            observed=3.0,
            samples=50,
            witnesses=["acme-1", "acme-2", "acme-3", "acme-4"],
            why="3 of 50 answers ended early | and were passed off as whole",
        ),
        _promise("failover/stream-cut/hung_requests", "hung_requests <= 0", "pass", observed=0.0, samples=50),
        _promise("boundary/leak/success", "success >= 0.99", "unknown", why="the load generator was overloaded"),
        _promise("boundary/leak/probe_rate_rps", "probe_rate_rps <= 3rps", "skipped"),
        _promise("capacity/queue/success", "success >= 0.99", "skipped"),
    ],
)
PLAN = Plan(
    run="gate",
    target="portkey",
    dialect="openai-chat",
    clock="real",
    profile="full",
    seed=7,
    replay=f"brownout gate --target {TARGET_FILE} --profile full --seed 7",
    topology=Topology(topology="slack", endpoints=[], tenants={"acme": Tenant(allow=["a"])}),
    tests=[
        TestPlan(
            test=test,
            suite=suite,
            why="",
            workload=Workload(duration_s=6),
            injections=[],
            promises={},
            recover_within_s=2,
            **more,  # type: ignore[arg-type]
        )
        for suite, test, more in [
            ("failover", "stream-cut", {}),
            ("boundary", "leak", {"lacking": {"probe_rate_rps": ["bounded-probes"]}}),
            ("capacity", "queue", {"skipped": ["load-shedding"]}),
        ]
    ],
    lenient=["sigv4-host-without-port"],
)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A judged run, as small as one may be."""
    (tmp_path / "run").mkdir()
    made = RunDir(tmp_path / "run")
    made.write_plan(PLAN)
    made.write_environment(["gate", "--target", TARGET_FILE], 7, {"@portkey-ai/gateway": "1.15.2", "hono": "4.9.7"})
    made.file("verdicts.json").write_bytes(msgspec.json.encode(VERDICTS))
    journal = Journal(made.file("provider.jsonl"))
    for leniency in ("sigv4-host-without-port", ""):
        journal.write(ProviderRecord(test="leak", endpoint="a", arrived_s=0, end_s=1, outcome="ok", leniency=leniency))
    journal.close()
    return made


def test_a_page_says_what_was_broken_how_it_was_run_and_what_was_not_asked(run: RunDir, tmp_path: Path) -> None:
    """Whoever reads it can tell what to believe, and run it again."""
    publish(run, tmp_path / "cards")
    render_again(tmp_path / "cards")

    page = (tmp_path / "cards" / "portkey.md").read_text()
    for words in (
        "# Portkey AI gateway 1.15.2",
        "**FAIL**: 1 promise broken, 1 unknown, 1 kept, 2 skipped.",
        "- **failover/stream-cut**: `truncated_as_success <= 0`. Observed: **3** of 50.",
        "Witnesses: `acme-1`, `acme-2`, `acme-3`.",
        "- **boundary/leak**: `success >= 0.99`. the load generator was overloaded.",
        "| bounded-probes | boundary/leak/probe_rate_rps |",
        "| load-shedding | capacity/queue |",
        "| overlooked | sigv4-host-without-port: 1 requests |",
        "brownout gate --target fixtures/targets/portkey.yaml --profile full --seed 7",
        "| failover | 1 | 0 | 1 | 0 |",
        "2 min 5 s",
        "[portkey.yaml](../../fixtures/targets/portkey.yaml)",
    ):
        assert words in page, words


def test_the_index_names_every_page(run: RunDir, tmp_path: Path) -> None:
    """One row a product, with its tally."""
    publish(run, tmp_path)
    render_again(tmp_path)

    assert (
        "| Portkey AI gateway 1.15.2 | [portkey](portkey.md) | 1 | 1 | 1 | 2 | full | slack | 7 | 2026-11-22 |"
        in (tmp_path / "README.md").read_text()
    )


def test_what_people_wrote_is_kept(run: RunDir, tmp_path: Path) -> None:
    """A page made again still has its notes, as they were written."""
    publish(run, tmp_path)
    render_again(tmp_path)
    (tmp_path / "portkey.notes.md").write_text("acme-1: 12 tokens and `[DONE]`, *by hand*.\n")
    render_again(tmp_path)

    assert "## Checked by hand\n\nacme-1: 12 tokens and `[DONE]`, *by hand*.\n" in (tmp_path / "portkey.md").read_text()


def test_a_run_of_no_target_file_has_no_page(run: RunDir, tmp_path: Path) -> None:
    """What cannot be run again by others is not published."""
    run.write_environment(["gate", "--target", "http://127.0.0.1:8080"], 7)

    with pytest.raises(BadInput, match="a scorecard is about a target's file"):
        publish(run, tmp_path)


def test_left_out_are_whole_tests_once_and_promises_with_what_they_lack(run: RunDir, tmp_path: Path) -> None:
    """A test that was skipped whole is one line, not one for each of its promises."""
    card = msgspec.json.decode(publish(run, tmp_path).read_bytes(), type=Card)

    assert [
        LeftOut(what="capacity/queue", lacks=["load-shedding"]),
        LeftOut(what="boundary/leak/probe_rate_rps", lacks=["bounded-probes"]),
    ] == card.left_out


def test_left_out_is_said_once_however_often_a_test_was_to_be_played(run: RunDir, tmp_path: Path) -> None:
    """Repeats of a test lack what it lacks: they are no more lines."""
    repeats = [
        msgspec.structs.replace(test, test=f"{test.test}.{n}", of=test.test, repeat=n)
        for n in (2, 3)
        for test in PLAN.tests
    ]
    run.write_plan(msgspec.structs.replace(PLAN, tests=[*PLAN.tests, *repeats]))
    card = msgspec.json.decode(publish(run, tmp_path).read_bytes(), type=Card)

    assert ["capacity/queue", "boundary/leak/probe_rate_rps"] == [one.what for one in card.left_out]


def test_published_pages_are_what_their_verdicts_say(tmp_path: Path) -> None:
    """No page that is committed was changed by hand, and none is of other verdicts than those beside it."""
    committed = {path.name: path.read_text() for path in PUBLISHED.glob("*") if path.is_file()}
    folder = tmp_path / "docs" / "scorecard"
    folder.mkdir(parents=True)
    for name, text in committed.items():
        if name.endswith((".verdicts.json", ".notes.md")):
            (folder / name).write_text(text)

    written = {path.name: path.read_text() for path in render_again(folder)}

    assert written == {name: committed[name] for name in written}
    strays = {name for name in committed if not name.endswith((".verdicts.json", ".notes.md"))} - written.keys()
    assert strays <= {"known-defects.md"}


def test_a_page_bears_no_tail_of_a_log() -> None:
    """Paths of a machine, and what a product logs, are nobody else's; how it ended is."""
    why = "the target ended by itself (exit code 1); its log, /tmp/runs/t/target.log, ends:\nBearer secret\n"
    verdicts = msgspec.structs.replace(VERDICTS, promises=[msgspec.structs.replace(VERDICTS.promises[0], why=why)])

    assert "the target ended by itself (exit code 1)" == published(verdicts).promises[0].why
