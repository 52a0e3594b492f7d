"""``brownout conform`` as its users meet it: its output, its files, its exit codes."""

import socket
from pathlib import Path

import pytest
import yaml

from brownout.cli import build_parser
from brownout.errors import BadInput
from fixtures.commands import COMMANDS
from tests.conformance.mutants import MUTANTS
from tests.conformance.world import Endpoints

DIALECT = "openai-chat"


def _run(*words: str) -> int:
    arguments = build_parser().parse_args(["conform", *words])
    return int(COMMANDS["conform"](arguments, list(words)))


@pytest.fixture
def credentials(endpoints: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credentials file that names a variable."""
    monkeypatch.setenv("OUR_KEY", endpoints.credentials(DIALECT).api_key)
    path = tmp_path / "credentials.yaml"
    path.write_text("api_key: env:OUR_KEY\n")
    return path


def _report(folder: Path) -> dict[str, object]:
    read: dict[str, object] = yaml.safe_load(
        (folder / f"conform-{DIALECT}" / "latest" / "conformance.yaml").read_text()
    )
    return read


def test_an_endpoint_that_conforms_exits_0(
    endpoints: Endpoints, credentials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours passes: exit code 0, both reports, and no secret on the screen."""
    url = endpoints.subject(DIALECT).address.url
    words = ["--endpoint", url, "--dialect", DIALECT, "--credentials", str(credentials), "--out", str(tmp_path)]
    assert 0 == _run(*words, "--only", "usage", "--only", "openai-chat/whole-reply")
    said = capsys.readouterr().out
    assert "PASS  2 passed" in said
    assert endpoints.credentials(DIALECT).api_key not in said
    report = _report(tmp_path)
    assert ("pass", url, DIALECT) == (report["outcome"], report["endpoint"], report["dialect"])
    assert f"brownout conform --endpoint {url} --dialect {DIALECT} --credentials {credentials} " in str(
        report["command"]
    )
    assert "--only usage --only openai-chat/whole-reply" in str(report["command"])
    assert (tmp_path / f"conform-{DIALECT}" / "latest" / "conformance.html").is_file()


def test_an_endpoint_that_does_not_exits_1(
    endpoints: Endpoints, credentials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure shows what was expected, what was observed and what to paste."""
    proxy = endpoints.proxies[DIALECT]
    proxy.mutation = MUTANTS["usage"]["no usage"]
    words = ["--endpoint", proxy.url, "--dialect", DIALECT, "--credentials", str(credentials), "--out", str(tmp_path)]
    assert 1 == _run(*words, "--only", "usage", "--only", "whole-reply")
    said = capsys.readouterr().out
    assert "FAIL  1 failed, 1 passed" in said
    assert "expected the tokens that it cost" in said
    assert f"--credentials {credentials} --only usage\ncurl -sS" in said


def test_an_endpoint_that_is_not_there_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing could be judged: unknown, with the reason."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert 2 == _run("--endpoint", f"http://127.0.0.1:{port}", "--dialect", DIALECT, "--out", str(tmp_path))
    assert "no connection" in capsys.readouterr().out
    assert "unknown" == _report(tmp_path)["outcome"]


def test_missing_credentials_exit_2_and_say_what_to_give(
    endpoints: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An endpoint that demands credentials is asked once."""
    url = endpoints.subject(DIALECT).address.url
    assert 2 == _run("--endpoint", url, "--dialect", DIALECT, "--out", str(tmp_path))
    assert "give them with --credentials FILE" in capsys.readouterr().out
    assert 1 == _report(tmp_path)["requests"]


def test_what_is_declared_absent_is_skipped_and_all_skipped_is_unknown(
    endpoints: Endpoints, credentials: Path, tmp_path: Path
) -> None:
    """A run in which everything was skipped is no pass."""
    url = endpoints.subject(DIALECT).address.url
    words = ["--endpoint", url, "--dialect", DIALECT, "--credentials", str(credentials), "--out", str(tmp_path)]
    assert 2 == _run(*words, "--only", "tool-call", "--without", "tools")
    assert {"seen": [], "absent": ["tools"]} == _report(tmp_path)["features"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--endpoint", "http://127.0.0.1:1", "--dialect", "opnai-chat"], "Did you mean 'openai-chat'"),
        (["--endpoint", "127.0.0.1:8000", "--dialect", DIALECT], "Did you mean 'http://127.0.0.1:8000'"),
        (["--endpoint", "http://u:p@127.0.0.1", "--dialect", DIALECT], "leave the user and password out"),
        (["--endpoint", "http://127.0.0.1/?key=x", "--dialect", DIALECT], "leave out what follows the path"),
        (["--endpoint", "http://127.0.0.1:99999", "--dialect", DIALECT], "not an address"),
        (["--dialect", DIALECT], "--endpoint is needed"),
        (["--endpoint", "http://127.0.0.1:1", "--dialect", DIALECT, "--only", "usge"], "Did you mean 'usage'"),
        (["--endpoint", "http://127.0.0.1:1", "--dialect", DIALECT, "--without", "tool"], "Did you mean 'tools'"),
        (["--endpoint", "http://127.0.0.1:1", "--dialect", DIALECT, "--jobs", "0"], "at least 1"),
        (["--endpoint", "https://127.0.0.1:1", "--dialect", DIALECT, "--ca", "/nowhere"], "not a file of certificates"),
        (["--endpoint", "https://api.openai.com", "--dialect", DIALECT], "Add --yes"),
    ],
)
def test_bad_input_says_what_is_wrong_and_sends_nothing(words: list[str], said: str) -> None:
    """Exit code 64, by `BadInput`: the address, the dialect, the check, the feature, the certificates, the money."""
    with pytest.raises(BadInput) as caught:
        _run(*words)
    assert said in str(caught.value)


def test_how_many_requests_is_said_before_money_is_spent() -> None:
    """Whoever is asked for ``--yes`` knows what they agree to; the password of an address is not repeated."""
    with pytest.raises(BadInput, match=r"about \d+ would be sent"):
        _run("--endpoint", "https://api.openai.com", "--dialect", DIALECT)
    with pytest.raises(BadInput) as caught:
        _run("--endpoint", "http://user:hunter22@127.0.0.1", "--dialect", DIALECT)
    assert "hunter22" not in str(caught.value)


def test_the_list_sends_nothing_and_names_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    """``--list`` needs no endpoint."""
    assert 0 == _run("--dialect", "bedrock-invoke", "--list")
    said = capsys.readouterr().out
    assert "frames" in said
    assert "tampered-body-refused" in said
    assert "checks, about" in said
