"""A cloud of its own for every test here: they take credentials away."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.threads import served
from tests.wire.world import World, serve


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run a cloud for one test: these tests take credentials away.

    SDKs take those that bear canaries as any, and show them where they belong: else their users kept no boundary.
    """
    with served(partial(serve, planted=True), tmp_path) as world:
        yield world
    assert [] == [(one.canary, one.place, one.part) for one in world.astray]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, world: World) -> World:
    """Leave a process no credentials but those of the machine it seems to run on."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "DEFAULT_REGION", "PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", world.cloud.service_urls["imds"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", world.cloud.service_urls["sts"])
    return world
