"""The soak says how many runs came out how, and keeps what did not come out well."""

import json
from pathlib import Path

import pytest

from brownout.cli import main
from brownout.verdict import ExitCode

TARGET = Path(__file__).resolve().parent.parent / "fixtures" / "targets" / "reference.yaml"


def _soak(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    with pytest.raises(SystemExit) as left:
        main(["soak", "--json", *words])
    return int(left.value.code or 0), json.loads(capsys.readouterr().out)


def test_a_good_router_is_tallied_as_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each seed is one run; what came out well leaves no evidence behind."""
    code, tally = _soak(capsys, "--runs", "2", "--test", "region-5xx", "--profile", "fast", "--out", str(tmp_path))

    assert (ExitCode.PASS, {"pass": 2}, []) == (code, tally["runs"], tally["odd"])
    assert [] == list((tmp_path / "soak" / "latest").glob("seed-*"))


def test_a_bad_router_is_red_and_its_evidence_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken promise is named with its seed, and its run can be judged again."""
    target = tmp_path / "bad.yaml"
    target.write_text(TARGET.read_text().replace("embedded: reference", "embedded: no-failover"))
    words = ("--target", str(target), "--runs", "1", "--test", "region-5xx", "--profile", "fast")
    code, tally = _soak(capsys, *words, "--seed", "7", "--out", str(tmp_path))

    assert (ExitCode.FAIL, {"fail": 1}) == (code, tally["runs"])
    assert (tmp_path / "soak" / "latest" / "seed-7" / "client.jsonl").stat().st_size > 0
