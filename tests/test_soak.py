"""The soak says how many runs came out how, and keeps what did not come out well."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brownout.cli import main
from brownout.verdict import ExitCode, Verdicts
from fixtures import soak

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


def test_an_interrupted_soak_tells_what_it_has_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours of runs are not lost to a Ctrl-C; it is aborted all the same, whatever they said."""
    played = soak._played

    def cut_short(*words: Any, **named: Any) -> Iterator[tuple[int, Verdicts]]:
        yield next(iter(played(*words, **named)))
        raise KeyboardInterrupt

    monkeypatch.setattr(soak, "_played", cut_short)
    words = ("--runs", "3", "--test", "region-5xx", "--profile", "fast", "--seed", "4", "--out", str(tmp_path))
    code, tally = _soak(capsys, *words)

    assert (ExitCode.ABORTED, {"pass": 1}, 3) == (code, tally["runs"], tally["asked"])
    assert tally == json.loads((tmp_path / "soak" / "latest" / "soak.json").read_text())
