"""Encodings of several bytes at once: base64, base32, base85. What a byte looks like depends on where it stands.

An encoding is searched for at each alignment: the characters that depend on known bytes alone are the needle.
"""

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Iterator

from brownout.scanning.needle import MAGIC, Needle, Read

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WRAPS = re.compile(rb"\\[rn]|[\s\\]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*")
_BASE32 = re.compile(rb"[A-Z2-7]*")
_BASE85 = re.compile(rb"[0-9A-Za-z!#$%&()*+\-;<=>?@^_`{|}~]*")
_ASCII85 = re.compile(rb"[!-u]*")
_STRING_END = re.compile(rb'(?<!\\)"')
_BODY_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def of_base64() -> Iterator[Needle]:
    """Yield the prefix in base64."""
    for known in (MAGIC, MAGIC.lower()):
        yield from _base64(known, ("base64",), lambda rest: rest)


def over_base64(inner: Needle) -> Iterator[Needle]:
    """Yield a spelling whose bytes are written in base64."""
    yield from _base64(inner.core, ("base64", *inner.chain), lambda rest: inner.read(inner.core + rest))


def _base64(known: bytes, chain: tuple[str, ...], go_on: Read) -> Iterator[Needle]:
    for lead in range(3):
        skip, stop = _span(lead, len(known), bits=6)
        read = _base64_reader(skip, lead + len(known), go_on)
        encoded = base64.b64encode(bytes(lead) + known + bytes(-(lead + len(known)) % 3))[skip:stop]
        for core in {encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))}:
            yield Needle(core, chain, read)


def _span(lead: int, known: int, *, bits: int) -> tuple[int, int]:
    """Return the first and the last + 1 of the characters whose bits are all of known bytes, after a lead of others."""
    return -(-lead * 8 // bits), (lead + known) * 8 // bits


def _base64_reader(skip: int, drop: int, go_on: Read) -> Read:
    """Return how to read on: the characters before the core are made up, and the bytes they touch dropped."""

    def read(text: bytes) -> bytes:
        tidy = _WRAPS.sub(b"", text.translate(_URL_SAFE))
        letters = _BASE64.match(tidy)
        return go_on(from_base64(b"A" * skip + (letters[0] if letters else b""))[drop:])

    return read


def from_base64(letters: bytes) -> bytes:
    """Return what letters of the standard alphabet stand for, padded or not; a letter too many is left out."""
    whole = letters if len(letters) % 4 != 1 else letters[:-1]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def of_base32() -> Iterator[Needle]:
    """Yield the prefix in base32, in either case."""
    for known, lead in itertools.product((MAGIC, MAGIC.lower()), range(5)):
        skip, stop = _span(lead, len(known), bits=5)
        read = _base32_reader(skip, lead + len(known))
        core = base64.b32encode(bytes(lead) + known + bytes(-(lead + len(known)) % 5))[skip:stop]
        yield Needle(core, ("base32",), read)
        yield Needle(core.lower(), ("base32",), read)


def _base32_reader(skip: int, drop: int) -> Read:
    def read(text: bytes) -> bytes:
        letters = _BASE32.match(re.sub(rb"[\s\\.\-]", b"", text).upper())
        whole = b"A" * skip + (letters[0] if letters else b"")
        return base64.b32decode(whole[: len(whole) // 8 * 8] + _base32_rest(whole))[drop:]

    return read


def _base32_rest(letters: bytes) -> bytes:
    """Return the last letters padded to a whole group; letters that stand for no whole byte are left out."""
    rest = letters[len(letters) // 8 * 8 :]
    usable = max((count for count in (0, 2, 4, 5, 7) if count <= len(rest)), default=0)
    return rest[:usable] + b"=" * (8 - usable) if usable else b""


def of_base85() -> Iterator[Needle]:
    """Yield the prefix in base 85, in the alphabet of RFC 1924 and in Adobe's."""
    adobe = _base85_reader(_ASCII85, base64.a85decode)
    yield from _of_base85("base85", base64.b85encode, _base85_reader(_BASE85, base64.b85decode))
    yield from _of_base85("ascii85", base64.a85encode, adobe)
    yield from _of_base85("ascii85", base64.a85encode, _quoted(adobe))


def _of_base85(name: str, encode: Callable[[bytes], bytes], read: Read) -> Iterator[Needle]:
    """Yield the prefix in base 85, where four bytes make five characters.

    Only a group that is known as a whole looks always the same. Of others the first characters do, because what
    follows the prefix is of 32 characters only.
    """
    for known in range(1, len(MAGIC) + 1):
        groups = (MAGIC[-known:] + bytes(more) for more in itertools.product(_BODY_ALPHABET, repeat=4 - known))
        for core in {encode(group)[: 5 if known == 4 else 4] for group in groups}:
            yield Needle(core, (name,), _from(known, read))


def _from(skip: int, read: Read) -> Read:
    return lambda text: read(text)[skip:]


def _base85_reader(alphabet: re.Pattern[bytes], decode: Callable[[bytes], bytes]) -> Read:
    def read(text: bytes) -> bytes:
        letters = alphabet.match(text.replace(b"\r", b"").replace(b"\n", b""))
        try:
            return decode(letters[0][:30] if letters else b"")
        except ValueError:
            return b""  # more than four bytes can hold: chance

    return read


def _quoted(read: Read) -> Read:
    """Return how to read a text in a JSON string, whose own quotes are escaped."""
    return lambda text: read(_STRING_END.split(text, maxsplit=1)[0].replace(b'\\"', b'"').replace(b"\\\\", b"\\"))
