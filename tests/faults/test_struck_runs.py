"""Whole runs in which the router itself is struck: played on either clock, refused where they cannot be, and judged."""

import asyncio
import re
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

import faults  # noqa: F401 - registers every fault
from brownout.errors import BadInput
from brownout.evidence import Journal
from brownout.judge import judge
from brownout.plan import TARGET, Plan
from brownout.rundir import RunDir
from brownout.scenario import Inject, Scenario, inject, scenario
from brownout.target import load_target
from brownout.verdict import Promise
from fixtures.catalogue import REFERENCE_TARGET
from fixtures.gate import GateOptions, finish, make_plan, play_virtual, to_play
from fixtures.real import RealStage
from fixtures.routers import router_named
from tests.histories import Story, attempt, fault_records, injection, lost, phases
from tests.options import reference_options

KILLED = inject("router-killed", TARGET, to=0.5)
REGION = inject("region-down", "primary-region", how="5xx")


def _scenario(*injections: Inject, must: dict[str, tuple[str, ...]] | None = None) -> Scenario:
    def test_struck() -> None:
        """The router is struck."""

    made: Scenario = scenario(*injections, must=must or {})(test_struck).scenarios[0]  # type: ignore[attr-defined]
    return made


def _options(made: Scenario, **changes: Any) -> GateOptions:
    return reference_options(**({"suites": [("s", [made])], "only": ["struck"]} | changes))


def _played(plan: Plan, folder: Path) -> tuple[RunDir, dict[str, Promise]]:
    target, _ = load_target(str(REFERENCE_TARGET))
    run = RunDir.create(folder, "struck")
    run.write_plan(plan)
    run.write_environment([], plan.seed)
    play_virtual(plan, target, router_named(target), run)
    return run, {promise.slo: promise for promise in finish(run, 1.0).promises}


def test_in_virtual_time_a_killed_router_serves_nobody_until_it_is_back(tmp_path: Path) -> None:
    """Clients see errors while it is down, and everybody is served afterwards; the reports can say so."""
    must: dict[str, tuple[str, ...]] = {
        "availability during router-killed <= 20%": (),
        "availability after router-killed >= 95%": (),
        "time_to_recover_s <= 2s": (),
    }
    plan = make_plan(_options(_scenario(KILLED, must=must), clock="virtual", seed=3))
    run, promises = _played(plan, tmp_path)

    assert ["pass"] * 3 == [promises[text].outcome for text in must], promises
    assert (1, True) == ((off := run.faults()[-1]).fired, off.undone)
    assert "the router itself" in run.file("report.html").read_text()


def test_in_virtual_time_a_router_may_be_restarted_in_an_outage(tmp_path: Path) -> None:
    """The faults of the world and of the router are on at once, each counted, each undone."""
    restarted = inject("router-restarted", TARGET, from_=0.4, to=0.6)
    must: dict[str, tuple[str, ...]] = {"availability after faults >= 95%": ()}
    plan = make_plan(_options(_scenario(REGION, restarted, must=must), clock="virtual", seed=3))
    run, promises = _played(plan, tmp_path)

    off = {one.fault: (one.fired > 0, one.undone) for one in run.faults() if one.event == "off"}
    assert {"region-down": (True, True), "router-restarted": (True, True)} == off
    assert ["pass"] == [promises[text].outcome for text in must], promises


@pytest.mark.parametrize("kind", ["router-stopped", "router-starved"])
def test_what_needs_a_process_is_refused_in_virtual_time(kind: str) -> None:
    """Before anything starts, with what to do instead, where the test was asked for by its name."""
    with pytest.raises(BadInput, match=f"test struck: {kind} cannot be had on the virtual clock.*--clock real"):
        make_plan(_options(_scenario(inject(kind, TARGET)), clock="virtual"))


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("router-stopped", {"clock": "virtual"}, "router-stopped on the virtual clock"),
        ("router-killed", {"target": load_target("http://127.0.0.1:1")[0]}, "router-killed of a target that runs"),
    ],
)
def test_what_cannot_be_had_here_is_left_out_of_a_whole_suite(
    kind: str, changes: dict[str, Any], why: str, tmp_path: Path
) -> None:
    """Its promises are skipped and say why; the suite's other tests are played."""
    plan = make_plan(_options(_scenario(inject(kind, TARGET)), only=(), profile="full", **changes))
    run = RunDir(tmp_path)
    run.write_plan(plan)

    assert [] == to_play(plan)
    said = {(one.outcome, f"cannot be had here: {why}" in one.why) for one in judge(run).promises}
    assert {("skipped", True)} == said


def test_a_target_that_runs_already_is_not_struck() -> None:
    """Its process is somebody else's."""
    target, _ = load_target("http://127.0.0.1:1")
    with pytest.raises(BadInput, match=re.escape("router-killed strikes the router's process") + ".*start:"):
        make_plan(_options(_scenario(KILLED), target=target))


def test_on_real_processes_world_and_router_are_struck_side_by_side(tmp_path: Path) -> None:
    """Both write into the same evidence; closing the stage lifts what is on, and starts no router only to end it."""
    options = _options(_scenario(REGION, KILLED))
    plan = make_plan(options)
    region, killed = plan.tests[0].injections

    async def story() -> tuple[list[str], list[str]]:
        run = RunDir(tmp_path)
        stage = RealStage(plan, plan.tests[0], options.target, options.folder, run, _journal(run, "telemetry"))
        try:
            await stage.up()
            assert stage._launched is not None
            url = stage._launched.url
            said = [await _healthz(url)]
            await stage.inject(region)
            await stage.inject(killed)
            await stage.keep_alive()
            said.append(await _healthz(url))
            await stage.lift(killed.id)
            said.append(await _healthz(url))
            await stage.inject(msgspec.structs.replace(killed, id="again"))
        finally:
            await stage.close()
        return said, [f"{one.injection} {one.event} {one.undone}" for one in run.faults()]

    said, wrote = asyncio.run(story())
    assert ["200", "refused", "200"] == said
    lifted = ["again", killed.id, region.id]
    assert sorted(f"{name} {event}" for name in lifted for event in ("on None", "off True")) == sorted(wrote)


def _journal(run: RunDir, name: str) -> Any:
    return Journal(run.file(f"{name}.jsonl")).write


async def _healthz(url: str) -> str:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"{url}/healthz") as reply:
                return str(reply.status)
        except aiohttp.ClientConnectorError:
            return "refused"


def _struck_story(folder: Path, *promises: str) -> Story:
    planned = msgspec.structs.replace(injection("router-killed-1", fault="router-killed"), at=TARGET, endpoints=[])
    story = Story(folder, *promises, injections=[planned])
    story.faults = [
        msgspec.structs.replace(one, at=TARGET, endpoints=[])
        for one in fault_records("router-killed-1", fault="router-killed")
    ]
    return story


def test_the_judge_holds_a_strike_against_everybodys_traffic(tmp_path: Path) -> None:
    """It touches every tenant and no endpoint, and it met the traffic that there was."""
    story = _struck_story(tmp_path, "served_during_fault >= 100%", "time_to_recover_s <= 1s", "target_exits <= 0")
    for place, one in enumerate(story.client):
        if 10.0 <= one.due_s < 20.0:
            story.client[place] = lost(place, one.due_s, outcome="error", tenant=one.tenant)

    served, recovered, exits = story.judged()
    assert ("fail", 0.0, 40) == (served.outcome, served.observed, served.samples)
    assert ("pass", "pass") == (recovered.outcome, exits.outcome)
    assert "the target never ended by itself" == exits.why


def test_a_strike_that_met_no_traffic_gives_no_verdict(tmp_path: Path) -> None:
    """Requests that came only when it was over prove nothing."""
    story = _struck_story(tmp_path, "availability >= 0%")
    story.provider = [attempt(one, 25.0) for one in range(5)]

    verdict = story.verdict()
    assert ("unknown", True) == (verdict.outcome, "router-killed-1 met no traffic" in verdict.why)


def test_a_router_that_died_of_a_strike_is_red(tmp_path: Path) -> None:
    """It did not come up again: that is a death, and no fault that was left on."""
    story = _struck_story(tmp_path, "target_exits <= 0", "unlifted_faults <= 0")
    why = "the target, started again, did not come up: ended before it was ready"
    story.phases = phases("target-ready", "load-start", "target-died", "done", why={"target-died": why})

    cut_short = ("unknown", "the target died before the test had ended; 1 put on, each lifted and read back")
    assert [("fail", why), cut_short] == [(one.outcome, one.why) for one in story.judged()]
