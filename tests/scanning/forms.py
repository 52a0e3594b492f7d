"""Every form that the scanner is to see through: how to write it, and the chain it is reported under.

Functions that write take the text with the canary in its middle. Written here a second time, by the standard library
where it can, so that nothing of the scanner's own is what it is tested by.
"""

import base64
import bz2
import codecs
import gzip
import html
import json
import lzma
import quopri
import sys
import zlib
from collections.abc import Callable
from urllib.parse import quote

import brotli

from brownout.canary import CanaryMint, run_key

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MINT = CanaryMint(run_key(6), ["acme", "europa", "a-third"])

Write = Callable[[bytes], bytes]


def each(form: str) -> Write:
    """Return how to write every byte in a form."""
    return lambda text: "".join(form.format(one) for one in text).encode()


def between(gap: str) -> Write:
    """Return how to put something between all bytes."""
    return lambda text: gap.encode().join(bytes([one]) for one in text)


def wide(coding: str) -> Write:
    """Return how to write text in wide characters."""
    return lambda text: text.decode("latin-1").encode(coding)


def gzipped(text: bytes) -> bytes:
    """Return text in gzip."""
    return gzip.compress(text, mtime=0)


def raw_deflated(text: bytes) -> bytes:
    """Return text in DEFLATE without a wrapper."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush()


def letters(text: bytes) -> bytes:
    """Return text in base32 as names take it: in lower case, without padding."""
    return base64.b32encode(text).rstrip(b"=").lower()


SPELLED: dict[str, tuple[str, Write]] = {
    "as it is": ("raw", bytes),
    "lower case": ("raw", bytes.lower),
    "swapped case": ("raw", bytes.swapcase),
    "a JSON string": ("raw", lambda text: json.dumps({"a": json.dumps([text.decode("latin-1")])}).encode()),
    "hexadecimal": ("hex", lambda text: text.hex().encode()),
    "upper-case hexadecimal": ("hex", lambda text: text.hex().upper().encode()),
    "hexadecimal with spaces": ("hex", lambda text: text.hex(" ").encode()),
    "hexadecimal with colons": ("hex", lambda text: text.hex(":").encode()),
    "0x-prefixed": ("hex", lambda text: ", ".join(f"0x{one:02x}" for one in text).encode()),
    "decimals": ("decimals", lambda text: str(list(text)).encode()),
    "decimals, indented": ("decimals", lambda text: json.dumps(list(text), indent=2).encode()),
    "decimals, dense": ("decimals", lambda text: ",".join(map(str, text)).encode()),
    "percent": ("percent", each("%{:02X}")),
    "percent, lower case": ("percent", each("%{:02x}")),
    "percent twice": ("percent>percent", each("%25{:02X}")),
    "\\u": ("unicode-escape", each("\\u{:04x}")),
    "\\u in JSON": ("json>unicode-escape", each("\\\\u{:04x}")),
    "\\u{}": ("unicode-escape", each("\\u{{{:x}}}")),
    "\\x": ("hex-escape", each("\\x{:02x}")),
    "octal": ("octal-escape", each("\\{:03o}")),
    "HTML": ("html", each("&#{};")),
    "HTML, hexadecimal": ("html", each("&#x{:x};")),
    "HTML twice": ("html>html", lambda text: html.escape(each("&#{};")(text).decode()).encode()),
    "quoted-printable": ("quoted-printable", each("={:02X}")),
    "UTF-16, little end first": ("utf-16", wide("utf-16-le")),
    "UTF-16, big end first": ("utf-16", wide("utf-16-be")),
    "UTF-32, little end first": ("utf-32", wide("utf-32-le")),
    "UTF-32, big end first": ("utf-32", wide("utf-32-be")),
    "backwards": ("reversed", lambda text: text[::-1]),
    "rot13": ("rot13", lambda text: codecs.encode(text.decode("latin-1"), "rot13").encode("latin-1")),
    "spaces": ("separated", between(" ")),
    "dashes": ("separated", between("-")),
    "lines": ("separated", between("\n")),
    "zero-width spaces": ("separated", between("\u200b")),
    "a JSON array of characters": ("separated", lambda text: json.dumps([chr(one) for one in text]).encode()),
    "bare events": ("separated", between("\n\ndata: ")),
}
"""What is read letter by letter."""

BLOCKS: dict[str, tuple[str, Write]] = {
    "base64": ("base64", base64.b64encode),
    "base64, for URLs": ("base64", base64.urlsafe_b64encode),
    "base64, unpadded": ("base64", lambda text: base64.b64encode(text).rstrip(b"=")),
    "base64, in lines": ("base64", base64.encodebytes),
    "base64, in lines, in JSON": ("base64", lambda text: json.dumps(base64.encodebytes(text).decode()).encode()),
    "base64, slashes escaped": ("base64", lambda text: base64.b64encode(text).replace(b"/", b"\\/")),
    "base32": ("base32", base64.b32encode),
    "base32, for names": ("base32", letters),
    "base85": ("base85", base64.b85encode),
    "ascii85": ("ascii85", base64.a85encode),
    "ascii85, Adobe's": ("ascii85", lambda text: base64.a85encode(text, adobe=True)),
    "ascii85 in JSON": ("ascii85", lambda text: json.dumps(base64.a85encode(text).decode()).encode()),
    "base64 of base64": ("base64>base64", lambda text: base64.b64encode(base64.b64encode(text))),
    "base64 of hexadecimal": ("base64>hex", lambda text: base64.b64encode(text.hex().encode())),
    "hexadecimal of base64": ("hex>base64", lambda text: base64.b64encode(text).hex().encode()),
    "base64 of UTF-16": ("base64>utf-16", lambda text: base64.b64encode(wide("utf-16-le")(text))),
    "UTF-16 of base64": ("utf-16>base64", lambda text: wide("utf-16-le")(base64.b64encode(text))),
    "base64 of \\u": ("base64>unicode-escape", lambda text: base64.b64encode(each("\\u{:04x}")(text))),
}
"""What is read several bytes at once."""

PACKED: dict[str, tuple[str, Write]] = {
    "gzip": ("gzip", gzipped),
    "zlib": ("zlib", zlib.compress),
    "bzip2": ("bzip2", bz2.compress),
    "zstd": ("zstd", zstd.compress),
    "xz": ("xz", lzma.compress),
    "base64 of gzip": ("base64>gzip", lambda text: base64.b64encode(gzipped(text))),
    "base64 of br": ("base64>br", lambda text: base64.b64encode(brotli.compress(text))),
    "base64 of deflate": ("base64>deflate", lambda text: base64.b64encode(raw_deflated(text))),
    "hexadecimal of gzip": ("hex>gzip", lambda text: gzipped(text).hex().encode()),
    "gzip of base64": ("gzip>base64", lambda text: gzipped(base64.b64encode(text))),
    "base64 thrice": (
        "base64>base64>base64",
        lambda text: base64.b64encode(base64.b64encode(base64.b64encode(text))),
    ),
    "gzip of zstd": ("gzip>zstd", lambda text: gzipped(zstd.compress(text))),
}
"""What is unpacked as a whole."""


def names(form: str) -> set[str]:
    """Return the chains under which a form's canary may be reported: little text is often put into a pack as it is."""
    chain = {**SPELLED, **BLOCKS, **PACKED}[form][0]
    layers = chain.split(">")
    return {chain, *(">".join(layers[:count]) or "raw" for count in range(len(layers) if form in PACKED else 0))}


def quoted_printable(text: bytes) -> bytes:
    """Return text as mail has it, its lines broken wherever they are long."""
    return quopri.encodestring(text.replace(b"\n", b" "))


def in_a_url(text: bytes) -> bytes:
    """Return text as a query has it."""
    return quote(text).encode()
