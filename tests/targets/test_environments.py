"""Environments of targets' own: made once, made anew when the list changes, and honest about what is in them."""

import json
from pathlib import Path

import pytest

from brownout.errors import TargetFailed
from brownout.target import Target, load_target
from fixtures import environments
from fixtures.commands import install_command
from fixtures.environments import environment_of, install, installed_versions

NPM = """\
#!/bin/sh
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/@maker/router"
echo '{"version": "1.2.3"}' > "$2/node_modules/@maker/router/package.json"
echo once >> "$CALLS"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that installs one package and notes that it was called; environments go into a folder of the test's."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    npm = bin_folder / "npm"
    npm.write_text(NPM)
    npm.chmod(0o755)
    noted = tmp_path / "calls"
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(noted))
    monkeypatch.setattr(environments, "HOME", tmp_path / "made")
    return noted


def _target(folder: Path, version: str = "1.2.3") -> tuple[Target, Path]:
    (folder / "maker.package.json").write_text(json.dumps({"dependencies": {"@maker/router": version}}))
    (folder / "maker.yaml").write_text("target: maker\nstart: {command: [router], packages: maker.package.json}\n")
    return load_target(str(folder / "maker.yaml"))


def test_packages_are_installed_once_and_again_when_the_list_changes(tmp_path: Path, calls: Path) -> None:
    """A run does not wait for npm because another one did already."""
    did = [install(*_target(tmp_path)), install(*_target(tmp_path)), install(*_target(tmp_path, "1.2.4"))]

    assert [True, False, True] == did
    assert ["once", "once"] == calls.read_text().split()


def test_what_is_really_there_is_what_is_said(tmp_path: Path, calls: Path) -> None:
    """A version comes from what was installed, not from what was asked for."""
    target, folder = _target(tmp_path, ">=1")
    install(target, folder)

    assert calls.is_file()
    assert {"@maker/router": "1.2.3"} == installed_versions(target, folder)


def test_no_version_is_said_of_what_is_not_there(tmp_path: Path, calls: Path) -> None:
    """Before it is installed nothing is claimed of it."""
    target, folder = _target(tmp_path)

    assert not calls.exists()
    assert {"@maker/router": ""} == installed_versions(target, folder)


def test_without_npm_the_target_says_so(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has to guess why one target is missing, and the others are installed all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))
    target, folder = _target(tmp_path)
    (tmp_path / "plain.yaml").write_text("target: plain\nstart: {command: [router]}\n")

    with pytest.raises(TargetFailed, match=r"needs npm, and there is no npm on the PATH"):
        install(target, folder)

    asked = [str(tmp_path / "maker.yaml"), str(tmp_path / "plain.yaml")]
    code = install_command(_Arguments(asked), [])  # type: ignore[arg-type]
    assert 2 == code
    assert ["maker: not installed", "plain: nothing to install"] == [
        line.partition(": maker.package")[0] for line in capsys.readouterr().out.splitlines()
    ]
    assert not calls.exists()


def test_what_npm_could_not_do_is_told_in_its_words(tmp_path: Path, calls: Path) -> None:
    """A failed install is no environment: it is tried again the next time."""
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\necho no such version >&2\nexit 1\n")
    target, folder = _target(tmp_path)

    for _ in range(2):
        with pytest.raises(TargetFailed, match="no such version"):
            install(target, folder)
    assert not calls.exists()
    assert not (environment_of(target) / "installed.txt").exists()


class _Arguments:
    def __init__(self, target: list[str]) -> None:
        self.target = target
