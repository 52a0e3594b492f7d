"""The doctor says what this machine can prove, and what would raise it; a gate that must seal says why it cannot."""

import json
from pathlib import Path

import msgspec
import pytest

from brownout.cli import build_parser
from brownout.errors import BadInput
from brownout.plan import ClockName
from brownout.provable import Check
from brownout.target import Start, Target
from fixtures.commands import COMMANDS
from fixtures.doctor import provable
from fixtures.sealed.choice import Sealed, whether_sealed
from fixtures.sealed.help import help_for
from fixtures.sealed.trial import Trial

SEALS = Trial(sealed=True, by="user namespace", took_s=0.3, checks=[Check(what="Linux", ok=True)])
REFUSED = Trial(
    sealed=False,
    by="",
    took_s=0.1,
    checks=[Check(what="Linux", ok=True), Check(what="namespaces", ok=False, why="unshare: not permitted")],
    help="Run as root.",
)
STARTED = Target(target="t", start=Start(command=["true"]))
RUNNING = Target(target="t", url="http://127.0.0.1:1")


def test_a_machine_that_seals_can_prove_the_most() -> None:
    """Every layer can be complete."""
    found = provable(SEALS)

    assert ("enforced", "", "user namespace") == (found.grade, found.why, found.sealed_by)
    assert all(one.can for one in found.layers)


def test_one_that_does_not_says_which_layers_are_lacking_and_why() -> None:
    """What the target sends to the world, writes and says is looked at all the same."""
    found = provable(REFUSED)

    assert "observed" == found.grade
    assert {"flows", "names"} == {one.layer for one in found.layers if not one.can}
    assert "flows: no target can be sealed: namespaces: unshare: not permitted" in found.why
    assert "Run as root." == found.help


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_the_command_tells_it_and_is_no_verdict(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever comes of it, the exit code is 0."""
    arguments = build_parser().parse_args(["doctor", *words])
    code = COMMANDS["doctor"](arguments, words)

    said = capsys.readouterr().out
    assert 0 == code
    grade = json.loads(said)["grade"] if words else said.split("up to grade ")[1].splitlines()[0]
    assert grade in {"enforced", "observed"}


@pytest.mark.parametrize(
    ("clock", "target", "toxiproxy", "says"),
    [
        ("virtual", STARTED, "", "in virtual time"),
        ("real", RUNNING, "", "it runs already"),
        ("real", STARTED, "http://10.0.0.1:8474", "TOXIPROXY_URL"),
    ],
)
def test_what_can_be_sealed_nowhere_is_refused_before_anything_starts(
    clock: ClockName, target: Target, toxiproxy: str, says: str
) -> None:
    """Where it must be sealed; else it goes on, and says why it is not."""
    with pytest.raises(BadInput, match=says):
        whether_sealed("on", clock, target, toxiproxy)
    assert says in str(whether_sealed("auto", clock, target, toxiproxy))


def test_a_machine_that_refuses_is_said_with_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    """At which step, and why."""
    monkeypatch.setattr("fixtures.sealed.choice.try_to_seal", lambda: REFUSED)

    with pytest.raises(BadInput, match=r"namespaces: unshare: not permitted\. Run as root\."):
        whether_sealed("on", "real", STARTED, "")
    assert not whether_sealed("auto", "real", STARTED, "").yes


def test_nothing_is_tried_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default gate wants no privilege and costs no moment."""
    monkeypatch.setattr("fixtures.sealed.choice.try_to_seal", lambda: 1 / 0)

    assert Sealed(yes=False, why_not="nobody asked for it") == whether_sealed("off", "real", STARTED, "")


@pytest.mark.parametrize(
    ("reason", "settings", "says"),
    [
        ("this is Darwin", {}, "Linux virtual machine"),
        ("a cable between them (veth): Operation not supported", {}, "modprobe veth"),
        ("mount_setattr /x: Function not implemented", {}, "5.12"),
        ("unshare: No space left on device", {"user/max_user_namespaces": "0"}, "user.max_user_namespaces=15000"),
        (
            "Operation not permitted",
            {"kernel/apparmor_restrict_unprivileged_userns": "1"},
            "apparmor_restrict_unprivileged_userns=0",
        ),
        ("Operation not permitted", {}, "CAP_SYS_ADMIN"),
        ("something else", {}, ""),
    ],
)
def test_help_is_for_what_stood_against_it(reason: str, settings: dict[str, str], says: str, tmp_path: Path) -> None:
    """A setting is named where it is the one; else what containers need."""
    for name, value in settings.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")

    said = help_for([reason], tmp_path)

    assert says in said
    assert bool(says) == bool(said)


def test_what_is_found_can_be_read_by_machines() -> None:
    """And back."""
    found = provable(REFUSED)

    assert found == msgspec.json.decode(msgspec.json.encode(found), type=type(found))
