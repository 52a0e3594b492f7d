"""The allow-list: which file holds, what its entries match, and what is said when something is not in it."""

from pathlib import Path

import pytest

from brownout.addresses import is_loopback, origin
from brownout.allowed import Allowed, load_allowed
from brownout.errors import BadInput


def _allowed(*entries: str) -> Allowed:
    return Allowed(file=Path("brownout.yaml"), entries=list(entries))


@pytest.mark.parametrize(
    ("entry", "thing", "permitted"),
    [
        ("aws-fis:us-east-1/EXT1", "aws-fis:us-east-1/EXT1", True),
        ("aws-fis:us-east-1/*", "aws-fis:us-east-1/EXT1", True),
        ("aws-fis:us-east-1/*", "aws-fis:us-east-2/EXT1", False),
        ("aws-fis:us-east-1/EXT1", "aws-fis:us-east-1/EXT12", False),
        ("toxiproxy:http://10.0.0.5:8474/*", "toxiproxy:http://10.0.0.5:8474/checkout", True),
        ("toxiproxy:http://10.0.0.5:8474/*", "toxiproxy:http://10.0.0.50:8474/checkout", False),
        ("target:https://*.staging.example.com", "target:https://router.staging.example.com", True),
        ("target:https://*.staging.example.com", "target:https://evil.com/.staging.example.com", False),
        ("target:https://*.staging.example.com", "target:https://evil.com#.staging.example.com", False),
        ("toxiproxy:http://10.0.0.*/p", "toxiproxy:http://10.0.0.5:1@evil.com/p", False),
        ("target:https://router.example.com", "toxiproxy-server:https://router.example.com", False),
        ("aws-fis:us-east-1/EXT.", "aws-fis:us-east-1/EXT1", False),
    ],
)
def test_an_entry_permits_what_it_names_and_no_more(entry: str, thing: str, permitted: bool) -> None:  # noqa: FBT001
    """Letter by letter, but for *, which never reaches into another part of an address."""
    assert permitted == _allowed(entry).permits(thing)


def test_nothing_is_allowed_without_a_file(tmp_path: Path) -> None:
    """The error names the file to write and the lines to write into it."""
    with pytest.raises(BadInput) as error:
        load_allowed(tmp_path).check(["aws-fis:us-east-1/EXT1", "target:http://10.0.0.5"])

    said = str(error.value)
    assert f"write into {tmp_path / 'brownout.yaml'}:\nmay_inject:\n  - aws-fis:us-east-1/EXT1" in said
    assert "  - target:http://10.0.0.5" in said


def test_the_nearest_entry_is_pointed_out(tmp_path: Path) -> None:
    """A template's id with a slip of the pen is the likely reason."""
    (tmp_path / "brownout.yaml").write_text("may_inject: ['aws-fis:us-east-1/EXT1a2b']\n")

    with pytest.raises(BadInput, match="Did you mean 'aws-fis:us-east-1/EXT1a2b'"):
        load_allowed(tmp_path).check(["aws-fis:us-east-1/EXT1a2c"])


def test_a_file_holds_in_the_folders_of_its_repository_and_not_outside(tmp_path: Path) -> None:
    """From a folder deep inside it is found; from one that is in no repository, nothing above it counts."""
    (tmp_path / "brownout.yaml").write_text("may_inject: [a:b]\n")
    deep = tmp_path / "suites" / "deep"
    deep.mkdir(parents=True)

    outside = load_allowed(deep)
    (tmp_path / ".git").mkdir()
    inside = load_allowed(deep)

    assert ([], ["a:b"]) == (outside.entries, inside.entries)


def test_a_file_above_the_repository_does_not_hold(tmp_path: Path) -> None:
    """It is somebody else's."""
    (tmp_path / "brownout.yaml").write_text("may_inject: [a:b]\n")
    (tmp_path / "repository" / ".git").mkdir(parents=True)

    assert [] == load_allowed(tmp_path / "repository").entries


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("may_injekt: [a:b]\n", ":1: unknown field 'may_injekt'. Did you mean 'may_inject'?"),
        ("may_inject:\n  - a:b\n  - 3\n", ":3: may_inject.1: Expected `str`"),
        ("may_inject:\n  - a:b\n  - '*'\n", ":3: may_inject.1: '*' names nothing"),
        ("may_inject:\n  - '*:x'\n", ":2: may_inject.0: '*:x' names nothing"),
        ("may_inject: [", "not YAML"),
    ],
)
def test_a_file_that_says_what_it_cannot_say_is_bad_input(text: str, said: str, tmp_path: Path) -> None:
    """With its line; a list that allows everything cannot be written by accident."""
    (tmp_path / "brownout.yaml").write_text(text)

    with pytest.raises(BadInput) as error:
        load_allowed(tmp_path)

    assert f"{tmp_path / 'brownout.yaml'}" in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_what_is_written_as_loopback(host: str) -> None:
    """These mean this machine wherever they are read."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["router", "localhost.example.com", "127.evil.com", "127.1", "0.0.0.0", "10.0.0.5", "", "localhost."],  # noqa: S104
)
def test_every_other_name_may_be_another_machine(host: str, packets: list[object]) -> None:
    """Nothing is looked up to find out."""
    assert not is_loopback(host)
    assert [] == packets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://Router.example.com/v1?x#y", ("https://router.example.com", False)),
        ("http://127.0.0.1:80@evil.com:9/x", ("http://evil.com:9", False)),
        ("http://localhost:8474/", ("http://127.0.0.1:8474", True)),
        ("http://[::1]:8474", ("http://[::1]:8474", True)),
        ("https://a.example.com:443", ("https://a.example.com", False)),
    ],
)
def test_an_address_is_its_host_and_nothing_around_it(url: str, shown: tuple[str, bool]) -> None:
    """A user's name, a path or a fragment cannot stand for a host."""
    assert shown == origin(url, where="it")


@pytest.mark.parametrize("url", ["10.0.0.5:8474", "ftp://10.0.0.5", "http://", "http://h:port"])
def test_an_address_that_is_none_is_bad_input(url: str) -> None:
    """And says how to write one."""
    with pytest.raises(BadInput, match="no address"):
        origin(url, where="TOXIPROXY_URL")
