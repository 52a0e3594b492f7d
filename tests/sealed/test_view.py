"""What a sealed target sees: what it needs, where it really is, over whatever links lead there; and nothing besides."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.sealed.needs import bundles, needs_of, sockets_in
from fixtures.sealed.view import View, etc_links, view_of


def view(*paths: Path) -> View:
    """Return the view of these paths alone."""
    made = View()
    for path in paths:
        made.add(str(path))
    made.settle()
    return made


def test_a_path_over_links_is_shown_where_it_is_with_each_link_on_the_way(tmp_path: Path) -> None:
    """Relative or absolute, of folders or of the last."""
    (tmp_path / "v2" / "bin").mkdir(parents=True)
    (tmp_path / "v2" / "bin" / "tool-2").touch()
    (tmp_path / "v2" / "bin" / "tool").symlink_to("tool-2")
    (tmp_path / "current").symlink_to("v2")
    (tmp_path / "here").symlink_to(tmp_path / "current" / "bin")

    seen = view(tmp_path / "here" / "tool")

    links = {"here": str(tmp_path / "current" / "bin"), "current": "v2", "v2/bin/tool": "tool-2"}
    assert {str(tmp_path / at): said for at, said in links.items()} == seen.links
    assert [str(tmp_path / "v2" / "bin" / "tool-2")] == seen.places


def test_a_place_in_another_is_shown_with_it(tmp_path: Path) -> None:
    """In whichever order they are named; links in it are there already."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to("b")

    for order in ((tmp_path / "a", tmp_path / "a" / "link"), (tmp_path / "a" / "link", tmp_path / "a")):
        seen = view(*order)
        assert ([str(tmp_path / "a")], {}) == (seen.places, seen.links)


def test_what_a_link_in_a_shown_place_leads_to_is_shown(tmp_path: Path) -> None:
    """A virtual environment's Python is elsewhere."""
    (tmp_path / "venv").mkdir()
    (tmp_path / "python").touch()
    (tmp_path / "venv" / "python").symlink_to("../python")

    seen = view(tmp_path / "venv", tmp_path / "venv" / "python")

    assert [str(tmp_path / "python"), str(tmp_path / "venv")] == seen.places


def test_nothing_and_links_in_a_circle_show_nothing(tmp_path: Path) -> None:
    """And the root, which would be all, is not shown."""
    (tmp_path / "round").symlink_to("round")

    assert [] == view(tmp_path / "round", tmp_path / "nothing", Path("/")).places


def test_programs_of_the_machines_own_are_always_shown() -> None:
    """With the links that lead to them, where there are some."""
    seen = view_of([])

    assert "/usr" in seen.places
    assert Path("/bin").is_symlink() == ("/bin" in seen.links)


def test_etc_is_links_to_the_machines_own_but_for_ours(tmp_path: Path) -> None:
    """Whatever kind of file it is over there."""
    (tmp_path / "ssl").mkdir()
    (tmp_path / "hosts").touch()
    (tmp_path / "resolv.conf").symlink_to("/run/nowhere")

    made = etc_links(tmp_path, "/.machine/etc", {"hosts": "", "resolv.conf": ""})

    assert {"/etc/ssl": "/.machine/etc/ssl"} == made


def installed(folder: Path, name: str = "tool", text: str = "") -> Path:
    """Return a program that looks installed."""
    for each in ("bin", "lib"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    program = folder / "bin" / name
    program.write_text(text)
    program.chmod(0o755)
    return program


def needed(words: list[str], environment: dict[str, str] | None = None, search: str = "") -> set[str]:
    """Return what a command needs."""
    return set(needs_of(words, environment or {}, search))


def test_a_program_is_needed_with_what_it_was_installed_with(tmp_path: Path) -> None:
    """Found by its path or by its name."""
    program = installed(tmp_path / "node")

    assert {str(program), str(tmp_path / "node")} == needed([str(program)])
    assert {str(program), str(tmp_path / "node")} == needed(["tool"], search=str(program.parent))


def test_a_script_needs_its_interpreter(tmp_path: Path) -> None:
    """Named by its path, or looked for; which has an installation of its own."""
    python = installed(tmp_path / "python", "python")
    direct = installed(tmp_path / "direct", text=f"#!{python}\n")
    by_name = installed(tmp_path / "by-name", text="#!/usr/bin/env -S python -u\n")

    assert str(tmp_path / "python") in needed([str(direct)])
    assert str(tmp_path / "python") in needed([str(by_name)], search=str(python.parent))


def test_a_virtual_environment_needs_the_python_it_was_made_from(tmp_path: Path) -> None:
    """Both by its link and by what its settings say."""
    base = installed(tmp_path / "base", "python3")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = 3\n")
    (tmp_path / "venv" / "bin" / "python").symlink_to(base)

    found = needed([str(tmp_path / "venv" / "bin" / "python")])

    assert {str(tmp_path / "venv"), str(tmp_path / "base")} <= found


def test_paths_in_arguments_and_in_meant_variables_are_needed(tmp_path: Path) -> None:
    """Alone, after an equals sign, or in a list; a socket is not."""
    for name in "abcd":
        (tmp_path / name).touch()
    words = ["sh", str(tmp_path / "a"), f"--config={tmp_path}/b"]

    found = needed(words, {"LIBS": f"{tmp_path}/c:{tmp_path}/d", "OTHER": "relative"})

    assert {str(tmp_path / name) for name in "abcd"} <= found


@pytest.mark.parametrize("wide", ["/", "/tmp", "/home", "/root", "/run"])  # noqa: S108 - named, not used
def test_what_is_too_wide_is_not_shown(wide: str) -> None:
    """A word that says so is no reason to show all of the machine."""
    assert wide not in needed(["sh", wide])


def test_this_python_is_found_with_its_libraries() -> None:
    """As the tests run it."""
    seen = view_of(needs_of([sys.executable], {}, os.environ["PATH"]))

    assert seen.shows(os.path.realpath(sys.executable))
    assert seen.shows(os.path.realpath(os.__file__))


def test_lists_of_authorities_are_found_in_installations(tmp_path: Path) -> None:
    """Those of certifi and botocore."""
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("certifi", "botocore", "other"):
        (packages / name).mkdir(parents=True)
        (packages / name / "cacert.pem").touch()

    assert [str(packages / name / "cacert.pem") for name in ("botocore", "certifi")] == bundles([str(tmp_path)])


def test_only_sockets_that_somebody_listens_at_in_a_shown_place_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel lists them, with spaces and all."""
    listed = "Num RefCount Protocol Flags Type St Inode Path\n" + "".join(
        f"0000: 00000002 00000000 00010000 0001 01 {number} {path}\n"
        for number, path in enumerate(["/shown/a b", "/shown-not/c", "@abstract", "/shown/d"])
    )
    monkeypatch.setattr("fixtures.sealed.needs._is_socket", _is_any(listed))

    assert ["/shown/a b", "/shown/d"] == sockets_in(["/shown"], listed)


def _is_any(listed: str) -> Callable[[str], bool]:
    return lambda path: path in listed
