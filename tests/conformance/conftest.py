"""A cloud of ours, and proxies that break its replies, on a real loop in a thread of their own."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.conformance.world import Endpoints, faithful, serve


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Run the cloud for the whole session."""
    ready: Future[Endpoints] = Future()
    stop = threading.Event()
    main = serve(tmp_path_factory.mktemp("cloud"), ready, stop)
    # A daemon: a cloud that does not end fails the assertion below, and must not keep the process as well.
    thread = threading.Thread(target=asyncio.run, args=(main,), daemon=True)
    thread.start()
    try:
        yield ready.result(20)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def endpoints(running: Endpoints) -> Iterator[Endpoints]:
    """Lend the cloud to one test; the proxies pass everything on as it is."""
    yield running
    for proxy in running.proxies.values():
        proxy.mutation, proxy.ignores_expect = faithful, False
