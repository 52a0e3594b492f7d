"""The catalogue tells people and programs the same, and the docs say what it says."""

import json
from pathlib import Path

import pytest

import faults  # noqa: F401 - registers every fault
from brownout.catalogue import catalogue, listing
from brownout.cli import main
from brownout.errors import BadInput
from brownout.fault import FAULTS
from fixtures.describe import PAGES, documented


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_docs_list_what_there_is_as_it_is(page: Path) -> None:
    """``python -m fixtures.describe`` brings them up to date."""
    assert documented(page) == page.read_text()


def test_every_registered_fault_is_listed_once() -> None:
    """None is hidden, none is invented."""
    assert sorted(FAULTS) == sorted(one.kind for one in catalogue())


@pytest.mark.parametrize("one", catalogue(), ids=lambda one: one.kind)
def test_every_setting_is_explained(one: object) -> None:
    """In words, with what it takes and its default, or that it must be given."""
    assert isinstance(one, type(catalogue()[0]))
    assert [] == [each.name for each in one.settings if not each.about or not each.takes]
    assert [] == [each.name for each in one.settings if each.required and each.default is not None]


def test_a_fault_whose_settings_decide_lists_every_layer() -> None:
    """region-down is in the network, or in the replies."""
    assert ["network", "reply"] == listing("region-down").layers


def test_an_unknown_name_is_told_the_nearest() -> None:
    """As everywhere."""
    with pytest.raises(BadInput, match="Did you mean 'stream-cut'"):
        listing("stream-ctu")


def test_the_command_prints_it_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, whole."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["faults", "--json"])
    assert sorted(FAULTS) == sorted(one["kind"] for one in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("kind", ["region-down", "stream-cut"])
def test_the_command_prints_all_of_one_for_people(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it is, where it was seen, its settings."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["faults", kind])
    said = capsys.readouterr().out
    assert [True] * 3 == [word in said for word in (kind, "seen in the wild", listing(kind).settings[0].name)]
