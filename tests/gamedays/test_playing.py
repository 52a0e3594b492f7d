"""Game days as they are played: stopped in time, judged as stopped, and able to fail."""

import copy
from pathlib import Path
from typing import Any

import pytest

from brownout.cli import main
from brownout.rundir import RunDir
from brownout.stopping import Sentry
from reports.live import LiveView
from tests.gamedays.days import SHIPPED, SMALL, played, resolved, write

STOPPED = copy.deepcopy(SMALL) | {
    "timeline": [
        {"fault": "region-down", "at": "all", "at_s": 8, "for_s": 20, "settings": {"how": "5xx"}},
        {"fault": "slow-first-token", "at": "us-east-1", "at_s": 9, "for_s": 20},
        {"fault": "region-down", "at": "eu-west-1", "at_s": 10, "for_s": 15, "settings": {"how": "refused"}},
    ],
    "must": ["availability >= 1%", "boundary_violations <= 0", "hung_requests <= 0"],
    "abort_if": ["availability < 50% for 3s", "boundary_violations > 0"],
}
# Which planted router each shipped game day turns red, and by which promise: they must be able to fail.
RED = {
    "aws-us-east-1-dns": ("no-failover", "availability[tenant=acme]"),
    "azure-sweden-central": ("crosses-boundary", "boundary_violations"),
    "gcp-service-control": ("no-failover", "availability[tenant=acme]"),
    "gpu-shortage-recap-burst": ("no-failover", "availability[class=interactive]"),
    "openai-gpu-network-loss": ("no-failover", "availability"),
    "vertex-gemini-429": ("no-failover", "availability[tenant=acme]"),
}


def _first_met_s(run: RunDir, test: str) -> float:
    """Return the first instant at which the evidence, as far as it then was written, met a condition."""
    plan = run.plan()
    start_s = next(phase.at_s for phase in run.phases() if phase.phase == "load-start")
    written = [(record.end_s, record) for record in run.client()] + [(one.end_s, one) for one in run.provider()]
    for instant_s in sorted({start_s + step / 100 for step in range(3000)}):
        sentry = Sentry(plan.tests[0], plan.topology)
        sentry.begin(start_s)
        sentry.note([record for end_s, record in written if end_s <= instant_s])
        if sentry.look(instant_s):
            return instant_s
    raise AssertionError(f"{test}: no condition was ever met")


def test_a_met_condition_takes_every_fault_off_within_a_second(tmp_path: Path) -> None:
    """From the first evidence that meets it, through the look that notices, to the last fault's end."""
    run, _ = played(resolved(write(tmp_path, STOPPED)), tmp_path)
    off = [record for record in run.faults() if record.event == "off"]

    assert {"region-down-1", "slow-first-token-2"} <= {record.injection for record in off}
    assert len(off) == sum(record.event == "on" for record in run.faults())
    assert max(record.at_s for record in off) - _first_met_s(run, "small") < 1.0
    assert {"the run was stopped: availability < 50% for 3s"} == {record.why for record in off}
    assert all(record.undone for record in off)


def test_a_stopped_run_is_judged_as_one(tmp_path: Path) -> None:
    """No promise passes, and the verdicts say what stopped it, by which figure."""
    run, verdicts = played(resolved(write(tmp_path, STOPPED)), tmp_path)
    [stopped] = [phase for phase in run.phases() if phase.phase == "stopped"]

    assert "unknown" == verdicts.outcome
    assert {"unknown"} == {one.outcome for one in verdicts.promises}
    assert stopped.why == verdicts.stopped
    assert stopped.value is not None
    assert stopped.value < 0.5
    assert verdicts.stopped.startswith("availability < 50% for 3s: it was ")


def test_what_proves_itself_stays_red_in_a_stopped_run(tmp_path: Path) -> None:
    """A router that takes data across a boundary is stopped for it, and convicted."""
    day = STOPPED | {
        "timeline": [STOPPED["timeline"][0] | {"at": "tenant:{pinned}"}],
        "abort_if": STOPPED["abort_if"][1:],
    }
    _, verdicts = played(resolved(write(tmp_path, day), router="crosses-boundary"), tmp_path)

    assert verdicts.stopped.startswith("boundary_violations > 0: it was ")
    assert ["boundary_violations"] == [one.slo.split()[0] for one in verdicts.promises if one.outcome == "fail"]


def test_a_fault_that_calls_the_run_off_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's stop condition, read from the fault's evidence, stops the run as one of ours does."""
    plan = resolved(write(tmp_path, STOPPED | {"abort_if": []}))
    from fixtures.injector import Injector  # noqa: PLC0415 - patched here alone

    put_on = Injector.inject

    async def inject(self: Injector, injection: Any) -> None:
        await put_on(self, injection)
        if injection.id == "slow-first-token-2":
            self.call_off(injection.id, "the experiment's alarm went off")

    monkeypatch.setattr(Injector, "inject", inject)
    run, verdicts = played(plan, tmp_path)
    called = [record for record in run.faults() if record.event == "called-off"]
    off = [record.at_s for record in run.faults() if record.event == "off"]

    assert "the experiment's alarm went off" in verdicts.stopped
    assert max(off) - called[0].at_s < 1.0
    assert "region-down-3" not in {record.injection for record in run.faults()}


def test_the_command_exits_with_3_and_so_does_a_later_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stopped it is said loudly, then and whenever it is judged again."""
    path = write(tmp_path, STOPPED)
    for words in (
        ["play", str(path), "--clock", "virtual", "--out", str(tmp_path / "runs")],
        ["judge", str(tmp_path / "runs" / "play" / "latest")],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capsys.readouterr().out
        assert 3 == ended.value.code
        assert "STOPPED  availability < 50% for 3s: it was" in said
        assert "ABORTED" in said


def test_what_is_about_to_happen_is_said_before_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Why, where from, when it happened, how compressed, and the timeline in order, clock time first."""
    plan = resolved(SHIPPED / "gcp-service-control.yaml")
    with LiveView() as view:
        view.plan(plan, RunDir(tmp_path))
    said = capsys.readouterr().out

    assert "https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW" in said
    assert "2025-06-12 10:51 to 18:18 PDT" in said
    assert "1 s here stands for 5 min" in said
    starts = [said.index(f"\n{at}") for at in ("00:08", "00:16", "00:32", "00:48")]
    assert starts == sorted(starts)


def test_every_shipped_game_day_is_known_to_be_able_to_fail() -> None:
    """A file that is added comes with a planted router that it turns red."""
    assert {path.stem for path in SHIPPED.glob("*.yaml")} == set(RED)


@pytest.mark.parametrize("name", sorted(RED))
def test_a_shipped_game_day_turns_a_planted_router_red(tmp_path: Path, name: str) -> None:
    """The promise that the defect breaks is broken, proven, and not unknown."""
    router, promise = RED[name]
    _, verdicts = played(resolved(SHIPPED / f"{name}.yaml", router=router), tmp_path)

    red = [one.id.rpartition("/")[2] for one in verdicts.promises if one.outcome == "fail"]
    assert promise in red
