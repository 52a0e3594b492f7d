"""For tests of what keeps a run safe: a state folder of their own, so that they meet no other run."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from brownout.state import OVERRIDE
from tests.threads import Background
from tests.toxiproxy.conftest import Api, embedded


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a state folder that no other run looks into; the processes of the test inherit it."""
    folder = tmp_path / "state"
    monkeypatch.setenv(OVERRIDE, str(folder))
    return folder


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give what was sent anywhere, or looked up; nothing gets out."""
    sent: list[Any] = []

    def refuse(*words: Any, **_: Any) -> NoReturn:
        sent.append(words)
        raise AssertionError(f"a packet was to be sent: {words}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return sent


@pytest.fixture
def server() -> Iterator[Api]:
    """Give an external Toxiproxy, in a thread."""
    background = Background()
    with embedded(background) as api:
        yield api
    background.stop()
