"""AWS event-stream frames: length-prefixed messages with string headers, each checked by two CRC32s.

The framing is that of ``application/vnd.amazon.eventstream`` (Amazon event stream specification, Smithy 2.0):
total length u32, headers length u32, CRC32 of these eight bytes, headers, payload, CRC32 of all before it;
big-endian throughout.
"""

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from brownout.wire import Refusal

_PRELUDE = struct.Struct(">II")
_CRC = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_STRING = 7
_OVERHEAD_BYTES = 16
_MAX_FRAME_BYTES = 24 * 1024 * 1024
"""The specification bounds a payload at 16 MiB and headers at 128 KiB; a longer length is not a length."""

_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type, for the types whose value has no length before it."""


class Frame(NamedTuple):
    """One message: its string headers and its payload."""

    headers: Mapping[str, str]
    payload: bytes


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Return the header block. It is the same for every frame of one kind: encode it once and keep it."""
    parts = []
    for name, value in headers.items():
        key, text = name.encode(), value.encode()
        parts += [bytes([len(key)]), key, bytes([_STRING]), _SHORT.pack(len(text)), text]
    return b"".join(parts)


def encode_frame(header_block: bytes, payload: bytes) -> bytes:
    """Return one frame."""
    prelude = _PRELUDE.pack(len(header_block) + len(payload) + _OVERHEAD_BYTES, len(header_block))
    body = b"".join([prelude, _CRC.pack(zlib.crc32(prelude)), header_block, payload])
    return body + _CRC.pack(zlib.crc32(body))


class FrameDecoder:
    """Cuts frames out of bytes that may be split anywhere."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames completed by these bytes.

        Raises:
            Refusal: ``unknown`` for a checksum that does not match or a length that cannot be.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= 12:
            total, headers_length = _PRELUDE.unpack_from(self._buffer)
            if zlib.crc32(self._buffer[:8]) != _CRC.unpack_from(self._buffer, 8)[0]:
                raise Refusal("unknown", "event-stream prelude checksum mismatch")
            if total > _MAX_FRAME_BYTES or headers_length + _OVERHEAD_BYTES > total:
                raise Refusal("unknown", "event-stream lengths make no sense")
            if len(self._buffer) < total:
                break
            message = bytes(self._buffer[:total])
            del self._buffer[:total]
            frames.append(_decode(message, headers_length))
        return frames


def _decode(message: bytes, headers_length: int) -> Frame:
    if zlib.crc32(message[:-4]) != _CRC.unpack_from(message, len(message) - 4)[0]:
        raise Refusal("unknown", "event-stream message checksum mismatch")
    try:
        headers = _decode_headers(message[12 : 12 + headers_length])
    except (IndexError, KeyError, struct.error, UnicodeDecodeError):
        raise Refusal("unknown", "event-stream headers cannot be read") from None
    return Frame(headers, message[12 + headers_length : -4])


@lru_cache(maxsize=64)  # every frame of one kind has the same block
def _decode_headers(block: bytes) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    at = 0
    while at < len(block):
        name = block[at + 1 : at + 1 + block[at]].decode()
        at += 1 + block[at]
        kind = block[at]
        at += 1
        if kind in _FIXED_SIZES:
            at += _FIXED_SIZES[kind]
            continue
        if kind not in {6, _STRING}:
            raise KeyError(kind)
        (length,) = _SHORT.unpack_from(block, at)
        if kind == _STRING:
            headers[name] = block[at + 2 : at + 2 + length].decode()
        at += 2 + length
    return MappingProxyType(headers)
