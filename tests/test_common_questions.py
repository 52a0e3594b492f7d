"""Common questions, played: no endpoint knows who asked, and neither its lies nor a cache of one's own are a leak."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brownout.canary import COMMON
from brownout.judge import judge
from brownout.placing import Placed, place
from brownout.rundir import RunDir
from brownout.schedule import Timing
from brownout.target import load_target
from brownout.verdict import Verdicts
from fixtures.gate import make_plan, play_virtual
from fixtures.routers import router_named
from suites.selftest.sound import SOUND
from tests.options import reference_options

TEST = "answers-stay-with-who-asked"
FALSIFYING: list[tuple[str, dict[str, Any]]] = [
    ("wrong-answer", {"how": "another-request"}),
    ("wrong-answer", {"how": "truncated"}),
    ("bad-replica", {"how": "wrong", "replicas": 1}),
]


def played(folder: Path, *faults: tuple[str, dict[str, Any]], cached: bool = False) -> tuple[Verdicts, RunDir]:
    """Play the test on the reference router, or on the one with a cache; with other faults, everywhere, if told."""
    options = reference_options(clock="virtual", seed=1, only=(TEST,), profile="full")
    if cached:
        target, home = load_target(str(SOUND["cached"].file))
        options = msgspec.structs.replace(options, target=target, folder=home)
    plan = make_plan(options)
    (test,) = plan.tests
    injections = [
        injection
        for number, (kind, settings) in enumerate(faults)
        for injection in place(
            Placed(id=f"i{number}", fault=kind, settings=settings, at="all", timing=Timing(at_s=3, for_s=12)),
            plan.topology,
            seed=1,
        )
    ]
    if injections:
        plan = msgspec.structs.replace(plan, tests=[msgspec.structs.replace(test, injections=injections)])
    folder.mkdir()
    run = RunDir(folder)
    run.write_plan(plan)
    play_virtual(plan, options.target, router_named(options.target), run)
    return judge(run), run


def test_every_attempt_for_a_common_question_is_nobodys_and_every_answer_is_given(tmp_path: Path) -> None:
    """Endpoints know the question alone; clients are given whole answers to it."""
    _, run = played(tmp_path / "run")
    attempts = [one for one in run.provider() if (one.canary or "").startswith(COMMON)]
    asked = [one for one in run.client() if one.question]
    assert {None} == {one.tenant for one in attempts}
    assert {one.question for one in asked} == {one.canary for one in attempts}
    assert {"ok"} == {one.outcome for one in asked if one.integrity}
    assert 0.4 < len(asked) / len(run.client()) < 0.6
    assert {"acme", "globex", "europa"} == {one.tenant for one in asked}


def test_one_seed_makes_one_history(tmp_path: Path) -> None:
    """Also where answers are numbered as they are made, over all endpoints."""
    (_, once), (_, again) = played(tmp_path / "once"), played(tmp_path / "again")
    for name in ("client.jsonl", "provider.jsonl", "layers.jsonl"):
        assert once.file(name).read_bytes() == again.file(name).read_bytes()


@pytest.mark.parametrize("cached", [False, True], ids=["reference", "cached"])
@pytest.mark.parametrize(("kind", "settings"), FALSIFYING)
def test_an_endpoint_that_lies_is_no_leak_of_the_routers(
    kind: str, settings: dict[str, Any], tmp_path: Path, *, cached: bool
) -> None:
    """Another's answer, half of one, nonsense: who passes it on, or keeps it, is not blamed."""
    verdicts, run = played(tmp_path / "run", (kind, settings), cached=cached)
    wrong = Counter(one.integrity for one in run.client() if one.question and one.outcome == "wrong")
    assert wrong.total() > 10
    assert {} == {one.id: one.why for one in verdicts.promises if one.outcome == "fail"}
