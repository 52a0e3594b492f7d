"""The reports: the same findings give the same files, failures come first, nothing in them acts."""

from pathlib import Path

import pytest
import yaml
from rich.console import Console

from brownout.conformance import Captured, Conformance, Finding
from reports.conformance import render_conformance
from reports.conformance_html import page
from reports.conformance_terminal import print_conformance
from reports.conformance_yaml import SCHEMA, document

EVIL = "<script>alert(1)</script> [red]\x1b[31m"
FINDINGS = (
    Finding(id="d/b", level="core", requires="B.", source="S", needs=(), outcome="pass"),
    Finding(
        id="d/a",
        level="extended",
        requires="A.",
        source="S",
        needs=("tools",),
        outcome="fail",
        expected="this",
        observed=EVIL,
        reproduction="brownout conform --only a\ncurl http://h/",
        exchanges=(
            Captured(request=b"POST / HTTP/1.1\r\n\r\n" + EVIL.encode(), reply=b"\x00\xff", problem="broke off"),
        ),
    ),
    Finding(id="d/c", level="core", requires="C.", source="S", needs=("auth",), outcome="skipped", why="auth: none"),
    Finding(id="d/d", level="core", requires="D.", source="S", needs=(), outcome="unknown", why="throttled"),
)


def _conformance(findings: tuple[Finding, ...] = FINDINGS) -> Conformance:
    return Conformance(
        endpoint="http://127.0.0.1:1",
        dialect="d",
        model="m",
        outcome="fail",
        started_at="2026-01-01T00:00:00+00:00",
        versions={"brownout": "0"},
        without=("tools",),
        requests=7,
        command="brownout conform --dialect d",
        findings=findings,
    )


def test_the_same_findings_give_the_same_files(tmp_path: Path) -> None:
    """Byte for byte, whichever check ended first."""
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        assert ["conformance.yaml", "conformance.html"] == [
            path.name for path in render_conformance(_conformance(), folder)
        ]
    for name in ("conformance.yaml", "conformance.html"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert document(_conformance()) == document(_conformance(FINDINGS[::-1]))
    assert page(_conformance()) == page(_conformance(FINDINGS[::-1]))


def test_the_yaml_holds_what_its_schema_says() -> None:
    """Machines find the endpoint, the summary by level and every check by its id."""
    read = yaml.safe_load(document(_conformance()))
    assert (SCHEMA, "fail", 7) == (read["schema"], read["outcome"], read["requests"])
    assert {"outcome": "unknown", "passed": 1, "failed": 0, "unknown": 1, "skipped": 1} == read["summary"]["core"]
    assert {"outcome": "fail", "passed": 0, "failed": 1, "unknown": 0, "skipped": 0} == read["summary"]["extended"]
    assert {"seen": [], "absent": ["auth", "tools"]} == read["features"]
    assert ["d/a", "d/b", "d/c", "d/d"] == [one["id"] for one in read["checks"]]
    failed = read["checks"][0]
    assert ["id", "level", "outcome", "needs", "requires", "source", "expected", "observed", "reproduction"] == list(
        failed
    )
    assert "brownout conform --only a\ncurl http://h/" == failed["reproduction"]
    assert {"id": "d/b", "level": "core", "outcome": "pass", "requires": "B.", "source": "S"} == read["checks"][1]


def test_the_page_acts_on_nothing_and_asks_nobody() -> None:
    """It runs no script, loads nothing, and shows what an endpoint said as text."""
    html = page(_conformance())
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "default-src 'none'" in html
    assert "\x1b" not in html
    assert not [word for word in ("src=", "href=") if word in html]


def test_the_page_shows_failures_first_with_their_exchange_folded() -> None:
    """What a vendor must act on stands on top."""
    html = page(_conformance())
    assert html.index("d/a") < html.index("d/d") < html.index("d/c") < html.index("d/b")
    assert "POST / HTTP/1.1" in html
    assert r"\x00\xff" in html
    assert "(broke off)" in html


def test_the_terminal_shows_failures_first_and_acts_on_nothing() -> None:
    """What an endpoint said is no markup; commands stand on lines of their own, unfolded."""
    console = Console(record=True, width=80)
    print_conformance(_conformance(), [Path("x.yaml")], console)
    said = console.export_text()
    assert said.index("d/a") < said.index("d/d") < said.index("d/c")
    assert "\ncurl http://h/\n" in said
    assert "[red]" in said
    assert "\x1b" not in said
    assert "FAIL  1 failed, 1 unknown, 1 passed, 1 skipped, by 7 requests" in said


@pytest.mark.parametrize("why", ["no connection: refused"])
def test_one_reason_for_all_is_said_once(why: str) -> None:
    """A wrong address gives one line, not sixty."""
    findings = tuple(
        Finding(id=f"d/{n}", level="core", requires="R.", source="S", needs=(), outcome="unknown", why=why)
        for n in range(60)
    )
    console = Console(record=True, width=100)
    print_conformance(_conformance(findings), [], console)
    assert 1 == console.export_text().count(why)
