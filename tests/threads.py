"""A world on a loop and a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, TypeVar

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
