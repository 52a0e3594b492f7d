"""Debts: written down before they are made, settled by whoever comes, struck off only when they are undone."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from brownout import debts
from brownout.debts import Debt, owe, owed, settle_all, settles
from faults.network.leftovers import proxies_debt
from tests.toxiproxy.conftest import Api


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what was undone: debts of kind ``test`` are, but for those named ``stuck``."""
    done: list[str] = []
    monkeypatch.setattr(debts, "_SETTLERS", {})
    monkeypatch.setattr(debts, "SETTLERS", debts._SETTLERS)

    @settles("test")
    def settle(what: Mapping[str, str]) -> None:
        if what["name"] == "stuck":
            raise ConnectionError("nobody answers")
        done.append(what["name"])

    return done


def _debt(name: str) -> Debt:
    return Debt(kind="test", what={"name": name})


def test_a_debt_is_on_the_disk_before_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, folder and the folder's own entry are synced before the function returns."""
    synced: list[str] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    ledger = tmp_path / "debts"
    owe(ledger, _debt("a"))

    assert [str(tmp_path), str(ledger)] == [synced[0], synced[-1]]
    assert 3 == len(synced)
    assert synced[1].startswith(str(ledger))
    assert ["test (name a)"] == owed(ledger)


def test_what_is_struck_off_is_owed_no_more(tmp_path: Path, undone: list[str]) -> None:
    """Striking it off twice does no harm."""
    strike = owe(tmp_path, _debt("a"))
    strike()
    strike()

    assert ([], [], []) == (owed(tmp_path), settle_all(tmp_path), undone)


def test_whoever_comes_later_settles_what_is_owed(tmp_path: Path, undone: list[str]) -> None:
    """Each once; a second time there is nothing left."""
    for name in ("a", "b"):
        owe(tmp_path, _debt(name))
    first, second = settle_all(tmp_path), settle_all(tmp_path)

    assert ["a", "b"] == sorted(undone)
    assert [""] * 2 == [one.error for one in first]
    assert [] == second


def test_a_debt_that_cannot_be_settled_keeps_no_other_and_stays(tmp_path: Path, undone: list[str]) -> None:
    """It is said why, and it is owed still."""
    for name in ("a", "stuck", "z"):
        owe(tmp_path, _debt(name))
    settled = settle_all(tmp_path)

    assert ["a", "z"] == sorted(undone)
    assert ["ConnectionError: nobody answers"] == [one.error for one in settled if one.error]
    assert ["test (name stuck)"] == owed(tmp_path)


def test_debts_that_nobody_here_can_settle_are_said_and_kept(tmp_path: Path, undone: list[str]) -> None:
    """An older brownout, or a file that is not whole, must not lose what another wrote."""
    owe(tmp_path, Debt(kind="unheard-of", what={"id": "7"}))
    (tmp_path / "torn.debt.json").write_text("{")
    errors = [one.error for one in settle_all(tmp_path)]

    assert 2 == len([error for error in errors if error])
    assert any("'unheard-of'" in error for error in errors)
    assert 2 == len(owed(tmp_path))
    assert [] == undone


def test_proxies_left_on_a_server_are_deleted_and_no_others(server: Api, tmp_path: Path) -> None:
    """Ours by their prefix; a prefix that only begins alike is another run's."""
    for name in ("run-1-east", "run-1-west", "run-12-east", "checkout"):
        server.ok("POST", "/proxies", {"name": name, "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"})
    owe(tmp_path, proxies_debt(server.url + "/", "run-1"))

    assert [""] == [one.error for one in settle_all(tmp_path)]
    assert ["checkout", "run-12-east"] == sorted(server.ok("GET", "/proxies"))
    assert [] == owed(tmp_path)


def test_a_server_that_is_gone_leaves_the_debt_standing(tmp_path: Path) -> None:
    """Whether the proxies are gone with it is not known."""
    owe(tmp_path, proxies_debt("http://127.0.0.1:9", "run-1"))

    assert "ConnectionError" in settle_all(tmp_path)[0].error
    assert ["toxiproxy-proxies (url http://127.0.0.1:9, prefix run-1-)"] == owed(tmp_path)
