"""A cloud of ours, and proxies that break its replies, on a real loop in a thread of their own."""

from collections.abc import Iterator

import pytest

from tests.conformance.world import Endpoints, faithful, serve
from tests.threads import served


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Run the cloud for the whole session."""
    with served(serve, tmp_path_factory.mktemp("cloud")) as endpoints:
        yield endpoints


@pytest.fixture
def endpoints(running: Endpoints) -> Iterator[Endpoints]:
    """Lend the cloud to one test; the proxies pass everything on as it is."""
    yield running
    for proxy in running.proxies.values():
        proxy.mutation, proxy.ignores_expect = faithful, False
