"""One direction of one proxied connection: a source, a chain of toxics that may change at any time, a sink.

    source -> stage -> stage -> sink

Each stage has one producer, so a bounded inbox and one "is there room" wait give backpressure from the sink
to the source. A stage is taken out only when its inbox is empty, which keeps every byte and their order.
"""

import asyncio
import enum
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from faults.network.toxics import CHUNK_BYTES, Noop, Rng, Stream, Toxic


class Ending(enum.Enum):
    """How a stream ends."""

    EOF = enum.auto()  # the sender has finished; the other direction lives on
    CLOSE = enum.auto()  # a toxic ends the connection
    RESET = enum.auto()  # a toxic resets the connection


Item: TypeAlias = bytes | Ending

_SPARED = Noop()


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A toxic as it is fitted to a proxy.

    Attributes:
        toxicity: the share of connections it acts on, from 0 to 1.
    """

    name: str
    stream: Stream
    toxicity: float
    toxic: Toxic


class Outlet(Protocol):
    """Where items go: a stage or the sink."""

    async def room(self) -> None:
        """Wait until one more item may be offered."""
        ...

    def offer(self, item: Item) -> None:
        """Take an item. Call `room` just before."""
        ...


class Inlet:
    """Where items come from: the source or a stage."""

    next: Outlet

    async def hand_on(self, item: Item) -> None:
        """Give an item to whatever is next, which may change during the wait for room."""
        outlet = None
        while outlet is not self.next:
            outlet = self.next
            await outlet.room()
        outlet.offer(item)


class Source(asyncio.StreamReader):
    """The reading end. Bytes need not wait in it for a task to carry them on, where there is a shorter way."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.shortcut: Callable[[bytes], bool] | None = None
        self._waiting_bytes = 0

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # typeshed: any iterable of numbers
        """Send bytes by the shortcut if it takes them, but never past others that still wait."""
        if self._waiting_bytes or self.shortcut is None or not self.shortcut(data):
            self._waiting_bytes += len(data)
            super().feed_data(data)

    def carried(self, data: bytes) -> None:
        """Take note that bytes that waited here have been handed on."""
        self._waiting_bytes -= len(data)


class Sink:
    """The writing end."""

    def __init__(self, writer: asyncio.StreamWriter, on_ending: Callable[[Ending], None]) -> None:
        self._writer = writer
        self._on_ending = on_ending
        self.room = writer.drain

    def offer(self, item: Item) -> None:
        """Write bytes, or end."""
        if isinstance(item, Ending):
            if item is Ending.EOF and self._writer.can_write_eof():
                self._writer.write_eof()
            self._on_ending(item)
        else:
            self._writer.write(item)

    def write_at_once(self, data: bytes) -> bool:
        """Write bytes if there is room for them without waiting; return whether there was."""
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size():
            return False
        transport.write(data)
        return True


class Stage(Inlet):
    """One toxic's place in one direction of one connection; see `faults.network.toxics.Stage`.

    Args:
        fitted: the toxic.
        rng: this stage's own; its first draw decides whether the toxic acts on this connection.
        outlet: what is next.
        from_start: whether the toxic was there when the connection was opened.
        on_act: told once, when the toxic first acts.
    """

    def __init__(
        self, fitted: Fitted, rng: Rng, outlet: Outlet, *, from_start: bool, on_act: Callable[[], None]
    ) -> None:
        self.fitted = fitted
        self.rng = rng
        self.next = outlet
        self.came_s = 0.0
        self.passed_bytes = 0
        self._draw = rng.random()
        self._from_start = from_start
        self._on_act = on_act
        self._has_acted = False
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[tuple[float, Item]] = deque()
        self._held_bytes = 0
        self._ending: Ending | None = None
        self._retired = False
        self._stirred = asyncio.Event()
        self._interrupted = asyncio.Event()
        self._woken: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    @property
    def ended(self) -> bool:
        """Whether the end of the stream has come in."""
        return self._ending is not None

    @property
    def interrupted(self) -> bool:
        """Whether the toxic has been changed or taken away."""
        return self._interrupted.is_set()

    @property
    def acting(self) -> Toxic:
        """What acts here: the toxic, or nothing when this connection's draw spared it."""
        return self.fitted.toxic if self._draw < self.fitted.toxicity else _SPARED

    async def run(self) -> bool:
        """Run until the stream ends or the toxic is taken away; return whether it was taken away."""
        while not self._retired and self._ending is None:
            self._interrupted.clear()
            await self.acting.pipe(self)
        if self._ending is None and self.acting.closes_when_removed:
            self.acted()
            self._ending = Ending.CLOSE
        while self._inbox and self._ending is None:
            item = self._pop()
            if isinstance(item, Ending):
                self._ending = item
            else:
                await self.hand_on(item)
        if self._ending is not None:
            await self.hand_on(self._ending)
            return False
        return True

    def change(self, fitted: Fitted) -> None:
        """Act by other settings from now on."""
        self.fitted = fitted
        self._interrupt()

    def retire(self) -> None:
        """Hand on what is held and stop acting."""
        self._retired = True
        self._interrupt()

    def leave(self) -> None:
        """Send whoever waits for room here to look for the next outlet."""
        self._room.set()

    def _interrupt(self) -> None:
        self._interrupted.set()
        if self._woken is not None:
            _wake(self._woken)
        self._stirred.set()

    # --- as the producer sees it

    async def room(self) -> None:
        """Wait until the inbox is below its bound."""
        await self._room.wait()

    def offer(self, item: Item) -> None:
        """Queue an item."""
        self._inbox.append((self._loop.time(), item))
        if not isinstance(item, Ending):
            self._held_bytes += len(item)
            if self._held_bytes >= self.acting.buffer_bytes:
                self._room.clear()
        self._stirred.set()

    # --- as the toxic sees it

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data = await self.take()
        if data is None:
            raise StopAsyncIteration
        return data

    async def take(self) -> bytes | None:
        """Return the next chunk, or None when there is no more for this toxic."""
        while not self._interrupted.is_set() and self._ending is None:
            if not self._inbox:
                self._stirred.clear()
                await self._stirred.wait()
                continue
            item = self._pop()
            if not isinstance(item, Ending):
                return item
            self._ending = item
        return None

    def _pop(self) -> Item:
        self.came_s, item = self._inbox.popleft()
        if not isinstance(item, Ending):
            self._held_bytes -= len(item)
            if self._held_bytes < self.acting.buffer_bytes:
                self._room.set()
        return item

    async def put(self, data: bytes) -> None:
        """Hand bytes on, when there is room for them."""
        self.passed_bytes += len(data)
        await self.hand_on(data)

    async def wait_s(self, duration_s: float) -> None:
        """Wait that long, or until the toxic is changed or taken away."""
        if duration_s > 0:
            await self.wait_until(self._loop.time() + duration_s)
        else:
            await asyncio.sleep(0)

    async def wait_until(self, when_s: float) -> None:
        """Wait for a time of the loop's clock, or until the toxic is changed or taken away."""
        if self._interrupted.is_set() or when_s <= self._loop.time():
            return
        self.acted()
        # By hand, and not by asyncio.timeout: its exceptions are cycles, thousands a second under a slow line, and the
        # collection of those holds up every connection.
        self._woken = woken = self._loop.create_future()
        timer = self._loop.call_at(when_s, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()

    async def stall(self) -> None:
        """Wait until the toxic is changed or taken away."""
        self.acted()
        await self._interrupted.wait()

    def acted(self) -> None:
        """Count this connection as one that the toxic has acted on."""
        if not self._has_acted:
            self._has_acted = True
            self._on_act()

    def close(self) -> None:
        """End the whole connection once the bytes handed on are out."""
        self._ending = Ending.CLOSE

    def reset(self) -> None:
        """End the connection with a reset if it was opened under this toxic, else like `close`."""
        self._ending = Ending.RESET if self._from_start else Ending.CLOSE


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


class Pipe(Inlet):
    """One direction of one connection.

    Args:
        stream: which direction: ``upstream`` is towards the server.
        reader: where bytes come from.
        writer: where they go.
        rng_of: gives a stage of that name its own rng.
        on_act_of: gives a stage of that name what to tell when its toxic first acts.
        spawn: runs a coroutine as a task that ends with the connection.
        on_ending: told when an ending has reached the sink.
    """

    def __init__(
        self,
        stream: Stream,
        reader: Source,
        writer: asyncio.StreamWriter,
        *,
        rng_of: Callable[[str], Rng],
        on_act_of: Callable[[str], Callable[[], None]],
        spawn: "Spawn",
        on_ending: Callable[[Ending], None],
    ) -> None:
        self.stream = stream
        self._reader = reader
        self._sink = Sink(writer, on_ending)
        self._rng_of = rng_of
        self._on_act_of = on_act_of
        self._spawn = spawn
        self._stages: list[Stage] = []
        self.next = self._sink

    async def run(self) -> None:
        """Read to the end. Without toxics, bytes for which there is room do not even come by here."""
        self._reader.shortcut = self._past
        while data := await self._reader.read(CHUNK_BYTES):
            await self.hand_on(data)
            self._reader.carried(data)
        await self.hand_on(Ending.EOF)

    def _past(self, data: bytes) -> bool:
        return self.next is self._sink and self._sink.write_at_once(data)

    def add(self, fitted: Fitted, *, from_start: bool = False) -> None:
        """Put a toxic at the end of the chain."""
        if fitted.stream != self.stream:
            return
        name = fitted.name
        stage = Stage(fitted, self._rng_of(name), self._sink, from_start=from_start, on_act=self._on_act_of(name))
        last: Inlet = self._stages[-1] if self._stages else self
        last.next = stage
        self._stages.append(stage)
        self._spawn(self._run_stage(stage))

    def change(self, fitted: Fitted) -> None:
        """Let the toxic of that name act by other settings."""
        for stage in self._named(fitted.name):
            stage.change(fitted)

    def remove(self, name: str) -> None:
        """Take the toxic of that name out of the chain, once it has handed on what it holds."""
        for stage in self._named(name):
            stage.fitted = Fitted(name="", stream=self.stream, toxicity=stage.fitted.toxicity, toxic=stage.fitted.toxic)
            stage.retire()

    def _named(self, name: str) -> list[Stage]:
        # A retiring stage has given its name back, so that a toxic of that name can be added again at once.
        return [stage for stage in self._stages if stage.fitted.name == name]

    async def _run_stage(self, stage: Stage) -> None:
        if not await stage.run():
            return
        place = self._stages.index(stage)
        before: Inlet = self._stages[place - 1] if place else self
        before.next = stage.next
        del self._stages[place]
        stage.leave()


class Spawn(Protocol):
    """Runs a coroutine as a task that ends with the connection."""

    def __call__(self, work: Coroutine[object, object, None], /) -> None:
        """Start it."""
        ...
