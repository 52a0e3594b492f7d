"""Worlds and loops on threads of their own, for clients that block."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Serve: TypeAlias = Callable[[Path, Future[T], threading.Event], Coroutine[None, None, None]]
_WITHIN_S = 20


@contextmanager
def served(serve: Serve[T], folder: Path) -> Iterator[T]:
    """Run what serves until it is told to stop; yield what it hands over once it is up."""
    ready: Future[T] = Future()
    stop = threading.Event()
    # A daemon: what does not end fails the assertion below, and must not keep the process as well.
    thread = threading.Thread(target=asyncio.run, args=(serve(folder, ready, stop),), daemon=True)
    thread.start()
    try:
        yield ready.result(_WITHIN_S)
    finally:
        stop.set()
        thread.join(_WITHIN_S)
    assert not thread.is_alive()


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Answer HTTP on a loopback port from a thread; yield the URL."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Background:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it over there and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def stop(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()
