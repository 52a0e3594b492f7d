"""What Toxiproxy's toxics do to a stream of bytes: settings and one verb each.

The kinds, their attributes and their meaning are those of Toxiproxy's README
(https://github.com/Shopify/toxiproxy#toxics), held against what a server built from its source does.
All attributes are whole numbers with a default of 0, as over there.
"""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

Stream: TypeAlias = Literal["upstream", "downstream"]
Rng: TypeAlias = random.Random  # noqa: TID251 - the type only; brownout.clock.rng_for makes them

INT64_MAX = 2**63 - 1
CHUNK_BYTES = 64 * 1024


class ToxiproxyError(Exception):
    """The server's answer to a request it cannot do.

    Args:
        status: the HTTP status of the control API.
        message: the sentence of its error body.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Stage(Protocol):
    """One toxic's place in one direction of one connection, as the toxic sees it.

    Iterating yields the chunks that come in. It stops at the end of the stream, and when the toxic is
    changed or taken away; from then on every wait is cut short, so that a held chunk goes on at once.
    """

    rng: Rng
    came_s: float
    passed_bytes: int

    @property
    def ended(self) -> bool:
        """Whether the end of the stream has come in."""
        ...

    @property
    def interrupted(self) -> bool:
        """Whether the toxic has been changed or taken away: what it holds goes on at once, and whole."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the chunks that come in, one by one."""
        ...

    async def take(self) -> bytes | None:
        """Return the next chunk, or None when there is no more for this toxic."""
        ...

    async def put(self, data: bytes) -> None:
        """Hand bytes on, when there is room for them."""
        ...

    async def wait_s(self, duration_s: float) -> None:
        """Wait that long, or until the toxic is changed or taken away."""
        ...

    async def wait_until(self, when_s: float) -> None:
        """Wait for a time of the loop's clock, or until the toxic is changed or taken away."""
        ...

    async def stall(self) -> None:
        """Wait until the toxic is changed or taken away."""
        ...

    def close(self) -> None:
        """End the whole connection once the bytes handed on are out."""
        ...

    def reset(self) -> None:
        """End the whole connection with a TCP reset where one can be had, else like `close`."""
        ...

    def acted(self) -> None:
        """Count this connection as one that the toxic has acted on. A wait that waits says so by itself."""
        ...


class Toxic(Protocol):
    """What all toxics have."""

    kind: ClassVar[str]
    buffer_bytes: ClassVar[int]
    closes_when_removed: ClassVar[bool]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    async def pipe(self, stage: Stage) -> None:
        """Pass the stream on, changed. Return when the stage yields no more."""
        ...


class _Defaults:
    """The traits most toxics share."""

    kind: ClassVar[str]
    buffer_bytes: ClassVar[int] = CHUNK_BYTES
    closes_when_removed: ClassVar[bool] = False


T = TypeVar("T", bound=type)
_TOXICS: dict[str, type[Toxic]] = {}
TOXICS: Mapping[str, type[Toxic]] = MappingProxyType(_TOXICS)


def toxic(kind: str) -> Callable[[T], T]:
    """Register a toxic under the name of its ``type`` in the API."""

    def register(cls: T) -> T:
        cls.kind = kind  # type: ignore[attr-defined]
        _TOXICS[kind] = cls
        return cls

    return register


def make_toxic(kind: str, attributes: Mapping[str, object], *, base: Toxic | None = None) -> Toxic:
    """Return a toxic with these attributes, read as Go reads JSON into a struct of ints.

    Keys match whatever their case, unknown keys are ignored, null leaves the default.

    Args:
        kind: its type.
        attributes: given values.
        base: where the values that are not given come from; the defaults when None.

    Raises:
        ToxiproxyError: 400 for an unknown type, a value that is no 64-bit whole number, or one that cannot work.
    """
    cls = TOXICS.get(kind)
    if cls is None:
        raise ToxiproxyError(400, "invalid toxic type")
    values = attributes_of(base) if base is not None else {}
    names = {field.name.lower(): field.name for field in dataclasses.fields(cls)}
    for key, value in attributes.items():
        name = names.get(key.lower())
        if name is None or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > INT64_MAX:
            raise ToxiproxyError(
                400, f"bad request body: json: cannot unmarshal {value!r} into the attribute {name} of type int64"
            )
        values[name] = value
    try:
        return cls(**values)
    except ValueError as error:
        raise ToxiproxyError(400, f"bad request body: {error}") from None


def attributes_of(made: Toxic) -> dict[str, int]:
    """Return the toxic's attributes under the API's names."""
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}


@toxic("noop")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Noop(_Defaults):
    """Changes nothing. Also stands in for a toxic that a connection's draw spared."""

    async def pipe(self, stage: Stage) -> None:
        """Pass everything on."""
        async for data in stage:
            await stage.put(data)


@toxic("latency")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Latency(_Defaults):
    """Every chunk comes later, in order, and does not hold up the reading of the next.

    Attributes:
        latency: how much later, in ms.
        jitter: drawn evenly from -jitter to +jitter for every chunk, in ms.
    """

    # Enough not to turn a delay into a limit on bandwidth for anything an LLM sends.
    buffer_bytes: ClassVar[int] = 4 * 1024 * 1024

    latency: int = 0
    jitter: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Hold each chunk until it is due."""
        async for data in stage:
            wobble_ms = stage.rng.uniform(-self.jitter, self.jitter) if self.jitter else 0
            await stage.wait_until(stage.came_s + (self.latency + wobble_ms) / 1000)
            await stage.put(data)


@toxic("bandwidth")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Bandwidth(_Defaults):
    """A line of limited speed.

    Attributes:
        rate: in KB/s, a KB being 1000 bytes. At 0 nothing moves until the toxic is changed or taken away.
    """

    rate: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Let bytes through in pieces of about 20 ms each, due by the time the line has carried them."""
        free_s = 0.0
        async for data in stage:
            if self.rate <= 0:
                await stage.stall()
                await stage.put(data)
                continue
            per_s = self.rate * 1000
            step = max(1, per_s // 50)
            # Counting from when the chunk came, not from when the last sleep ended, keeps oversleeping from adding up.
            free_s = max(free_s, stage.came_s)
            start = 0
            while start < len(data):
                piece = data[start : start + step]
                free_s += len(piece) / per_s
                await stage.wait_until(free_s)
                if stage.interrupted:
                    piece = data[
                        start:
                    ]  # piece by piece, a thousand connections would hold up the loop that frees them
                await stage.put(piece)
                start += len(piece)


@toxic("slow_close")
@dataclasses.dataclass(frozen=True, kw_only=True)
class SlowClose(_Defaults):
    """The end of the stream comes late.

    Attributes:
        delay: how late, in ms.
    """

    delay: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Pass everything on, then wait before the end goes on too."""
        async for data in stage:
            await stage.put(data)
        if stage.ended:
            await stage.wait_s(self.delay / 1000)


@toxic("timeout")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Timeout(_Defaults):
    """Nothing gets through, and after a silence the connection closes. Taking the toxic away closes it too.

    When the sender leaves, the connection closes as well: what it said is lost and no answer can reach it
    through two such toxics, so keeping the sockets would only run the process out of files.

    Attributes:
        timeout: the silence, in ms; it starts anew with every chunk. At 0 the connection stays open.
    """

    closes_when_removed: ClassVar[bool] = True

    timeout: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Swallow everything."""
        silence_s = self.timeout / 1000 if self.timeout > 0 else None
        try:
            while True:
                async with asyncio.timeout(silence_s):
                    if await stage.take() is None:
                        break
                stage.acted()
        except TimeoutError:
            stage.acted()
            stage.close()
        if stage.ended:
            stage.close()


@toxic("reset_peer")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ResetPeer(_Defaults):
    """The connection ends with a TCP reset once bytes come this way.

    As with the real server, only connections opened after the toxic was added see a reset ("connection
    reset by peer"); those alive before see a plain end.

    Attributes:
        timeout: how long after the first bytes, in ms.
    """

    timeout: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Swallow what comes and reset."""
        if await stage.take() is None and not stage.ended:
            return
        await stage.wait_s(self.timeout / 1000)
        stage.acted()
        stage.reset()


@toxic("slicer")
@dataclasses.dataclass(frozen=True, kw_only=True)
class Slicer(_Defaults):
    """Chunks are cut into small ones.

    The real server accepts an ``average_size`` of 0, its default, and dies of a stack overflow at the first
    bytes. Here it is refused.

    Attributes:
        average_size: of a slice, in bytes; at least 1.
        size_variation: slices are from average - variation to average + variation bytes (never below 1).
        delay: between the slices of one chunk, in microseconds.
    """

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def __post_init__(self) -> None:
        if self.average_size < 1:
            raise ValueError(f"the slicer's average_size must be at least 1 byte, not {self.average_size}")

    async def pipe(self, stage: Stage) -> None:
        """Cut and hand on slice by slice."""
        spread = max(0, self.size_variation)
        async for data in stage:
            start = 0
            while start < len(data):
                if start:
                    stage.acted()
                    await stage.wait_s(self.delay / 1e6)
                drawn = max(1, self.average_size + stage.rng.randint(-spread, spread))
                size = len(data) if stage.interrupted else drawn
                await stage.put(data[start : start + size])
                start += size


@toxic("limit_data")
@dataclasses.dataclass(frozen=True, kw_only=True)
class LimitData(_Defaults):
    """The connection closes after so many bytes.

    Attributes:
        bytes: how many may pass, over the connection's life under this toxic.
    """

    bytes: int = 0

    async def pipe(self, stage: Stage) -> None:
        """Pass on what is left of the allowance, then close."""
        async for data in stage:
            allowed = data[: max(0, self.bytes - stage.passed_bytes)]
            if allowed:
                await stage.put(allowed)
            if stage.passed_bytes >= self.bytes:
                stage.acted()
                stage.close()
                return
