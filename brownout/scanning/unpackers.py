"""Packed formats: how each begins, and how to unpack it piece by piece, never more than a little at a time.

A small input may unpack to any size. So each piece is bounded, and who asks may stop between two.
"""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeAlias

import brotli
from isal import isal_zlib

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 64 * 1024
_BadDeflate: type[Exception] = isal_zlib.IsalError  # type: ignore[assignment] # its stubs take it for an instance
_WHOLE_BYTES = 16 * PIECE_BYTES
_LZMA_MEMORY_BYTES = 128 * 1024 * 1024
"""What an xz file may ask for to be unpacked; its own tools never make one that asks for more."""


Data: TypeAlias = bytes | memoryview


_SLICE_BYTES = 256


class Broken(Exception):  # noqa: N818 - a fact about what came
    """What came is not in the format.

    Attributes:
        salvaged: whether what was yielded is what could be had all the same: of chance, mostly, a few bytes.
    """

    def __init__(self, *, salvaged: bool = False) -> None:
        super().__init__()
        self.salvaged = salvaged


class Unpacker(Protocol):
    """Unpacks one stream."""

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        ...

    @property
    def unused(self) -> bytes:
        """What was fed after its end."""
        ...

    def feed(self, data: Data) -> Iterator[bytes]:
        """Yield what these bytes unpack to, in pieces of about `PIECE_BYTES`.

        Raises:
            Broken: where the stream is not in its format.
        """
        ...


_Step: TypeAlias = Callable[[Data], tuple[bytes, bytes, bool]]
"""Given what is to be unpacked, returns a piece, what is still to be fed, and whether there is more to come of it."""


def _drained(step: _Step, data: Data, errors: tuple[type[Exception], ...]) -> Iterator[bytes]:
    """Yield all that some bytes unpack to, in steps.

    Raises:
        Broken: where one of the errors came of it.
    """
    more = True
    while more:
        try:
            piece, data, more = step(data)
        except errors as error:
            raise Broken from error
        yield piece


class _Inflating:
    """DEFLATE, in whatever wrapper ``wbits`` says (zlib's word for it)."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inner = isal_zlib.decompressobj(wbits)
        self._vain = b""
        self._made = False

    @property
    def done(self) -> bool:
        return self._inner.eof

    @property
    def unused(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: Data) -> Iterator[bytes]:
        if not self._made:
            self._vain += data  # it is little: something comes of the first window, or nothing ever does
        try:
            yield from _drained(self._step, data, (_BadDeflate,))
        except Broken:
            if self._made:
                raise
            yield from _salvaged(self._vain, self._wbits)
            raise Broken(salvaged=True) from None

    def _step(self, data: Data) -> tuple[bytes, bytes, bool]:
        piece = self._inner.decompress(data, PIECE_BYTES)
        if piece:
            self._made, self._vain = True, b""
        rest = self._inner.unconsumed_tail
        return piece, rest, not self._inner.eof and (bool(rest) or len(piece) == PIECE_BYTES)


def _salvaged(data: bytes, wbits: int) -> Iterator[bytes]:
    """Yield what DEFLATE makes of some bytes up to where they are none: its end may have been cut off on purpose.

    An error costs all that the same call has made, so that it is come near in ever smaller steps.
    """
    inner, at, step = zlib.decompressobj(wbits), 0, _SLICE_BYTES
    while at < len(data) and step:
        kept = inner.copy()
        try:
            yield inner.decompress(data[at : at + step])  # a quarter of a MiB at most: DEFLATE makes 1032 of one byte
            at += step
        except zlib.error:
            inner, step = kept, step // 4


class _Deflating:
    """HTTP's ``deflate``: zlib's wrapper by the standard, none by many a sender (RFC 9110, 8.4.1.2)."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: _Inflating | None = None

    @property
    def done(self) -> bool:
        return self._inner is not None and self._inner.done

    @property
    def unused(self) -> bytes:
        return self._inner.unused if self._inner else b""

    def feed(self, data: Data) -> Iterator[bytes]:
        if self._inner is None:
            self._head += data
            if len(self._head) < 2:
                return
            wrapped = self._head[0] & 15 == 8 and int.from_bytes(self._head[:2], "big") % 31 == 0
            self._inner = _Inflating(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
            data = self._head
        yield from self._inner.feed(data)


class _Inner(Protocol):
    """What the standard library's decompressors have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: Data, max_length: int = -1) -> bytes: ...


class _Unrolling:
    """bzip2, xz and Zstandard."""

    def __init__(self, inner: _Inner) -> None:
        self._inner = inner

    @property
    def done(self) -> bool:
        return self._inner.eof

    @property
    def unused(self) -> bytes:
        return self._inner.unused_data

    def feed(self, data: Data) -> Iterator[bytes]:
        return _drained(self._step, data, (OSError, EOFError, lzma.LZMAError, zstd.ZstdError, MemoryError))

    def _step(self, data: Data) -> tuple[bytes, bytes, bool]:
        piece = self._inner.decompress(data, PIECE_BYTES)
        return piece, b"", not self._inner.eof and not self._inner.needs_input


class _Brotli:
    """Brotli. It has no mark at its beginning, and its library does not say where a stream ended."""

    unused = b""

    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    @property
    def done(self) -> bool:
        return bool(self._inner.is_finished())

    def feed(self, data: Data) -> Iterator[bytes]:
        return _drained(self._step, data, (brotli.error,))

    def _step(self, data: Data) -> tuple[bytes, bytes, bool]:
        piece = self._inner.process(data, output_buffer_limit=PIECE_BYTES)
        return piece, b"", not self._inner.is_finished() and not self._inner.can_accept_more_data()


class Format(NamedTuple):
    """One packed format.

    Attributes:
        name: what evidence calls it.
        magics: how it begins; none where it begins like anything.
        make: returns what unpacks one stream of it.
        chance_bytes: so much may come of what begins like it by chance.
    """

    name: str
    magics: tuple[bytes, ...]
    make: Callable[[], Unpacker]
    chance_bytes: int = 0


_GZIP = Format("gzip", (b"\x1f\x8b\x08",), lambda: _Inflating(zlib.MAX_WBITS | 16), chance_bytes=1)
_ZLIB = Format(
    "zlib", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), lambda: _Inflating(zlib.MAX_WBITS), chance_bytes=4096
)
_ZSTD = Format("zstd", (b"\x28\xb5\x2f\xfd",), lambda: _Unrolling(zstd.ZstdDecompressor()))
_BZIP2 = Format(
    "bzip2", tuple(b"BZh%d1AY&SY" % level for level in range(1, 10)), lambda: _Unrolling(bz2.BZ2Decompressor())
)
_XZ = Format("xz", (b"\xfd7zXZ\0",), lambda: _Unrolling(lzma.LZMADecompressor(memlimit=_LZMA_MEMORY_BYTES)))
_BROTLI = Format("br", (), _Brotli)
_DEFLATE = Format("deflate", (), _Deflating)

FORMATS = (_GZIP, _ZLIB, _ZSTD, _BZIP2, _XZ)
"""Those that are known by how they begin."""

CODINGS = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": _DEFLATE,
    "br": _BROTLI,
    "zstd": _ZSTD,
    "bzip2": _BZIP2,
    "x-bzip2": _BZIP2,
    "xz": _XZ,
}
"""Those that a ``Content-Encoding`` may name (IANA's registry, and what is met besides)."""


def _whole_brotli(data: bytes) -> bytes | None:
    inner = brotli.Decompressor()
    try:
        made: bytes = inner.process(data, output_buffer_limit=_WHOLE_BYTES)
    except brotli.error:
        return None
    return made if inner.is_finished() else None


def _whole_deflate(data: bytes) -> bytes | None:
    if not _may_be_deflate(data):
        return None
    inner = isal_zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        made: bytes = inner.decompress(data, _WHOLE_BYTES)
    except _BadDeflate:
        return None
    return made if inner.eof and not inner.unused_data else None


def _may_be_deflate(data: bytes) -> bool:
    """Return whether a first block can begin so (RFC 1951, 3.2.3): that is cheaper than to try."""
    kind = data[0] >> 1 & 3 if data else 3
    if kind == 0:
        return len(data) >= 5 and data[1] ^ data[3] == data[2] ^ data[4] == 0xFF
    return kind != 3


UNMARKED = {"br": _whole_brotli, "deflate": _whole_deflate}
"""Those that nothing tells the beginning of: what bytes unpack to when they are one small stream, and nothing else."""
