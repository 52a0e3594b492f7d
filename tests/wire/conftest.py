"""A cloud on a real loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.wire.world import World, serve


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a cloud for the whole session."""
    ready: Future[World] = Future()
    stop = threading.Event()
    main = serve(tmp_path_factory.mktemp("accounts"), ready, stop)
    thread = threading.Thread(target=asyncio.run, args=(main,))
    thread.start()
    try:
        yield ready.result(20)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """Lend the cloud to one test: no fault on, no record yet."""
    running.seen().clear()
    yield running
    for endpoint in running.cloud.endpoints.values():
        endpoint.faults.clear()
