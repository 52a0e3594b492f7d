"""A test with a twin is played three times; nothing but one tenant's secret tells the last from the first."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from brownout.errors import BadInput
from brownout.plan import Plan
from brownout.rundir import RunDir
from brownout.scenario import Load, Scenario, inject, scenario
from brownout.tape import NAMES, REPLIES
from brownout.target import load_target
from fixtures.catalogue import REFERENCE_TARGET, load_topology
from fixtures.gate import GateOptions, judge_virtual, make_plan
from fixtures.routers import REFERENCE, router_named

TARGET = """\
target: {name}
start:
  command: ["{{python}}", -m, suites.selftest.leaks, {name}, --world, "{{world}}", --port, "{{port}}"]
recover_within_s: 10
"""
TEST = "no-word-of-it"


def options(*scenarios: Scenario, **changes: object) -> GateOptions:
    """Return what plays these in virtual time on the reference router."""
    target, folder = load_target(str(REFERENCE_TARGET))
    known = GateOptions(
        target=target,
        folder=folder,
        topology=load_topology("slack"),
        suites=[("s", scenarios)],
        profile="full",
        clock="virtual",
    )
    return msgspec.structs.replace(known, **changes)


def made(twin: str) -> Sequence[Scenario]:
    """Return a short test with this twin."""
    fault = inject("region-down", "primary-region", how="5xx")

    @scenario(fault, load=Load(planted=True), twin=twin, must={"interference <= 0": ()})
    def test_it() -> None:
        """Nothing."""

    return test_it.scenarios  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run of one test with a twin, judged."""
    folder = tmp_path_factory.mktemp("twin") / "run"
    asked = options(*made("{home}"), seed=5)
    judge_virtual(asked, folder, router_named(asked.target))
    return RunDir.open(folder)


def _by_play(plan: Plan, records: Sequence[msgspec.Struct]) -> Mapping[str, list[msgspec.Struct]]:
    names = {one.test: play for play, one in plan.tests[0].plays().items()}
    told: dict[str, list[msgspec.Struct]] = {play: [] for play in names.values()}
    for one in records:
        told[names[one.test]].append(msgspec.structs.replace(one, test=""))  # type: ignore[attr-defined]
    return told


def test_all_three_plays_have_one_history(run: RunDir) -> None:
    """What clients and endpoints saw is the same, by instants, ids and outcomes; the secret is in no record."""
    for records in (run.client(), run.provider(), run.credentials()):
        told = _by_play(run.plan(), records)
        assert told["first"]
        assert told["first"] == told["again"] == told["twin"]


def test_the_tenant_s_own_messages_say_other_things_and_nobody_else_s_do(run: RunDir) -> None:
    """So the check sees a secret where it is, and none where it is not."""
    told = {play: msgspec.convert(records, list, from_attributes=True) for play, records in _tapes(run).items()}
    assert told["first"] == told["again"]
    differing = {
        (one.tenant, one.place == REPLIES)
        for one, other in zip(told["first"], told["twin"], strict=True)
        if one != other
    }
    assert {("acme", False), ("acme", True)} == differing


def _tapes(run: RunDir) -> Mapping[str, list[msgspec.Struct]]:
    """Return each play's tape without the machine's date."""
    undated = [
        msgspec.structs.replace(one, parts={part: told for part, told in one.parts.items() if part != "header date"})
        for one in run.tape()
    ]
    return _by_play(run.plan(), undated)


def test_every_place_is_taped(run: RunDir) -> None:
    """Endpoints, identity services, the name server and clients."""
    assert {REPLIES, NAMES, "sts", "imds", "bedrock-od-eu-west-1", "bedrock-pt-us-east-1"} <= {
        one.place for one in run.tape()
    }


def test_the_reference_router_keeps_it_and_says_how_much_was_compared(run: RunDir) -> None:
    """Green rests on hundreds of messages."""
    (promise,) = (one for one in run.verdicts().promises if one.slo.startswith("interference"))
    assert "pass" == promise.outcome
    assert promise.samples > 200


def test_a_plan_names_a_test_once_however_often_it_is_played(run: RunDir) -> None:
    """The other plays follow from it, with its seed and under names of their own."""
    plan = run.plan()
    assert ["it"] == [test.test for test in plan.tests]
    plays = plan.tests[0].plays()
    assert {"first": "it", "again": "it.again", "twin": "it.twin"} == {play: one.test for play, one in plays.items()}
    assert 1 == len({plan.seed_of(one) for one in plays.values()})
    assert ["", "acme", ""] == [one.other_secret_of for one in plays.values()]


def test_a_tenant_that_is_not_there_is_bad_input() -> None:
    """With the nearest that is."""
    with pytest.raises(BadInput, match=r"test it: twin: unknown tenant 'acne'.*acme"):
        make_plan(options(*made("acne")))


def test_a_role_that_nobody_has_leaves_the_test_out() -> None:
    """As with every other role."""
    alone = msgspec.structs.replace(load_topology("slack"), tenants={"acme": load_topology("slack").tenants["acme"]})
    (test,) = make_plan(options(*made("{neighbour}"), topology=alone)).tests
    assert ["topology: a second tenant that may use the primary endpoint"] == test.skipped


def test_a_world_that_is_up_already_has_but_one_secret() -> None:
    """What is judged where it runs cannot be given another."""
    target, _ = load_target("http://127.0.0.1:1")
    (test,) = make_plan(options(*made("{home}"), target=target, clock="real")).tests
    assert ["here: a world made for the test (the target's is up already)"] == test.skipped


@pytest.mark.real_time
@pytest.mark.parametrize(("name", "outcome"), [(REFERENCE, "pass"), ("hides-in-a-header", "fail")])
def test_real_processes_get_the_same_verdict(name: str, outcome: str, tmp_path: Path) -> None:
    """A cipher is seen, and no router is blamed for the machine's timing."""
    words = [sys.executable, "-m", "brownout.cli", "gate", "--test", TEST, "--json", "--out", str(tmp_path / "out")]
    if name != REFERENCE:
        target = tmp_path / "target.yaml"
        target.write_text(TARGET.format(name=name))
        words += ["--target", str(target)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)  # noqa: S603 - ours
    promises = {one["id"]: one for one in json.loads(done.stdout)["promises"]}
    assert outcome == promises[f"boundary/{TEST}/interference"]["outcome"], promises
