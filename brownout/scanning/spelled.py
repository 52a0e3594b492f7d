"""A canary spelled letter by letter: in any case, escaped, with something between its letters, turned, or shifted.

Any of the four letters of the prefix may be escaped and any not, and what stands between them may be anywhere; all
of these are needles. After the prefix one pattern reads on through any mixture.
"""

import codecs
import itertools
import re
from collections.abc import Callable, Iterable, Iterator

from brownout.canary import BODY_CHARS
from brownout.scanning.needle import MAGIC, Needle

_ESCAPES = (
    ("percent", "%{digits}"),
    ("percent>percent", "%25{digits}"),
    ("quoted-printable", "={digits}"),
    ("unicode-escape", "\\u00{digits}"),
    ("json>unicode-escape", "\\\\u00{digits}"),
    ("json>json>unicode-escape", "\\\\\\\\u00{digits}"),
    ("unicode-escape", "\\u{{{digits}}}"),
    ("hex-escape", "\\x{digits}"),
    ("json>hex-escape", "\\\\x{digits}"),
    ("octal-escape", "\\{code:03o}"),
    ("html", "&#{code};"),
    ("html", "&#x{digits};"),
    ("html>html", "&amp;#{code};"),
)
"""How a letter is written: its code, in decimal or as two hexadecimal digits."""

_BETWEEN = (
    *"-_.,:;/|*~+ \t\n",
    *("\r\n", ", ", " - ", "\\n", "\\t"),
    *('","', '", "', "','", "', '", '",\n"'),  # a list of letters
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u00a0", "\\u200b"),  # nothing to be seen
    *("=\n", "=\r\n", "%20", "&#8203;", "&shy;", "<wbr>"),
    *("\n\ndata: ", "\n\ndata:", "\r\n\r\ndata: "),
)

_CODE = re.compile(
    rb"%(?:25)*([0-9A-Fa-f]{2})|=([0-9A-F]{2})|\\+u00([0-9A-Fa-f]{2})|\\+u\{0*([0-9A-Fa-f]{2})\}|\\+x([0-9A-Fa-f]{2})"
    rb"|\\+([0-7]{3})|&(?:amp;)*#0*([0-9]{2});|&(?:amp;)*#[xX]0*([0-9A-Fa-f]{2});|([A-Za-z2-7])"
)
_BASES = (16, 16, 16, 16, 16, 8, 10, 16)
_GAP = b"(?:%s)" % b"|".join(
    [
        *(re.escape(one.encode()) for one in sorted(_BETWEEN, key=len, reverse=True)),
        rb"[\s\-_.,:;/|*~+\"']",
        rb"\\u20[01][0-9a-fA-F]",
    ]
)
_LETTER = re.compile(_GAP + b"{0,8}?(?:" + _CODE.pattern + b")")


def needles() -> Iterator[Needle]:
    """Yield every spelling of this file."""
    for letters in itertools.product(*(chr(one) + chr(one).lower() for one in MAGIC)):
        yield Needle("".join(letters).encode(), (), _plain)
    yield from _escaped()
    yield from _apart()
    for known in (MAGIC, MAGIC.lower()):
        yield Needle(known[::-1], ("reversed",), lambda text: text[:BODY_CHARS][::-1], back=BODY_CHARS)
        yield Needle(_rot13(known), ("rot13",), lambda text: _rot13(text[len(MAGIC) :][:BODY_CHARS]))


def whole_escapes() -> Iterator[Needle]:
    """Yield the prefix with all letters escaped, for what may lie over that."""
    for (name, form), digits in itertools.product(_ESCAPES, _digits()):
        core = "".join(form.format(code=code, digits=digit) for code, digit in zip(MAGIC, digits, strict=True))
        yield Needle(core.encode(), _chain(name), _after(len(MAGIC)))


def _chain(name: str) -> tuple[str, ...]:
    return tuple(name.split(">"))


def _digits() -> Iterable[list[str]]:
    return ([f"{code:02x}" for code in MAGIC], [f"{code:02X}" for code in MAGIC])


def _escaped() -> Iterator[Needle]:
    """Yield the prefix with one or more of its letters escaped."""
    for (name, form), digits in itertools.product(_ESCAPES, _digits()):
        pairs = zip(MAGIC, digits, strict=True)
        choices = [(chr(code), form.format(code=code, digits=digit)) for code, digit in pairs]
        for letters in itertools.product(*choices):
            core = "".join(letters).encode()
            if core != MAGIC:
                yield Needle(core, _chain(name), _after(len(MAGIC)))


def _apart() -> Iterator[Needle]:
    """Yield the prefix with something between its letters, at one or more places."""
    for known, between in itertools.product((MAGIC.decode(), MAGIC.decode().lower()), _BETWEEN):
        for gaps in itertools.product(("", between), repeat=len(known) - 1):
            if any(gaps):
                core = known[0] + "".join(gap + letter for gap, letter in zip(gaps, known[1:], strict=True))
                yield Needle(core.encode(), ("separated",), _after(len(MAGIC)))


def _plain(text: bytes) -> bytes:
    body = text[len(MAGIC) : len(MAGIC) + BODY_CHARS]
    return body if body.isalnum() and len(body) == BODY_CHARS else _after(len(MAGIC))(text)


def _after(skip: int) -> Callable[[bytes], bytes]:
    """Return a reader of letters, escaped or not, with anything between them."""

    def read(text: bytes) -> bytes:
        letters = bytearray()
        found = _LETTER.match(text)
        while found and len(letters) < skip + BODY_CHARS:
            letters.append(_letter(found))
            found = _LETTER.match(text, found.end())
        return bytes(letters[skip:])

    return read


def _letter(found: re.Match[bytes]) -> int:
    place = found.lastindex or 0
    written = found[place]
    return written[0] if place > len(_BASES) else min(int(written, _BASES[place - 1]), 255)


def _rot13(text: bytes) -> bytes:
    return codecs.encode(text.decode("latin-1"), "rot13").encode("latin-1")
