"""``brownout iam`` as its users meet it: its output and its exit codes."""

import json
from pathlib import Path

import pytest

from brownout.cli import build_parser
from brownout.errors import BadInput
from fixtures.commands import COMMANDS
from tests.iam.folders import EXAMPLE, Folder
from tests.iam.planted import DEFECTS


def _run(*words: str) -> int:
    arguments = build_parser().parse_args(["iam", *words])
    return int(COMMANDS["iam"](arguments, list(words)))


def test_an_escrow_that_keeps_its_promises_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Every promise in both regions, who is exempt, and the verdict last."""
    assert 0 == _run(str(EXAMPLE))
    said = capsys.readouterr().out
    assert 10 == said.count("us-east-1") + said.count("us-west-2")
    assert "role/data-steward: the prompts are Globex's own" in said
    assert "PASS  acme-for-globex: 10 kept" == said.splitlines()[-1]


def test_one_that_is_open_in_the_fallback_region_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who, what, from where, and by which statement."""
    folder = Folder(tmp_path / "escrow")
    DEFECTS["deny in the home region only"].plant(folder)
    assert 1 == _run(str(folder.path), "--verbose")
    said = " ".join(capsys.readouterr().out.split())
    assert "fail endpoint-only us-west-2, failing over" in said
    assert "FAIL acme-for-globex: 1 broken, 9 kept" in said
    assert (
        "role/administrator can do s3:GetObject on arn:aws:s3:::acme-weights-us-west-2/any-object from the internet"
        in said
    )
    assert "provider/authorization.json: policy AdministratorAccess: statement 1" in said


def test_one_of_which_something_is_not_known_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what it is."""
    folder = Folder(tmp_path / "escrow")
    folder.without_grants()
    assert 2 == _run(str(folder.path))
    said = " ".join(capsys.readouterr().out.split())
    assert "not known: the grants of" in said
    assert "UNKNOWN acme-for-globex" in said


def test_json_says_the_same_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is JSON and nothing else."""
    folder = Folder(tmp_path / "escrow")
    DEFECTS["key open to everybody"].plant(folder)
    assert 1 == _run(str(folder.path), "--json")
    said = json.loads(capsys.readouterr().out)
    broken = [one for one in said["findings"] if one["outcome"] == "fail"]
    assert [("weights-unreadable", "us-west-2", "failing over")] == [
        (one["promise"], one["region"], one["state"]) for one in broken
    ]
    told = {"who", "can", "roles", "action", "resource", "vantage", "certain", "by", "why"}
    assert told == set(broken[0]["breaches"][0])


def test_a_region_of_the_topology_that_the_escrow_is_silent_about_is_refused() -> None:
    """The topology may fail over to where nobody has looked."""
    assert 0 == _run(str(EXAMPLE), "--topology", "capacities", "--json")
    with pytest.raises(BadInput, match=r"says nothing of eu-west-1.*Add to failover_to"):
        _run(str(EXAMPLE), "--topology", "slack")


@pytest.mark.parametrize("name", ["nowhere", ""])
def test_a_folder_without_an_escrow_is_refused(name: str, tmp_path: Path) -> None:
    """It says what is missing."""
    with pytest.raises(BadInput, match=r"is no folder|has no escrow.yaml"):
        _run(str(tmp_path / name))
