"""Whatever a canary is written in, wherever it stands, however the bytes arrive, it is seen, and its value is not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import KINDS, PREFIX, CanaryMint, Kind, run_key
from brownout.scanning import Scanner, Sighting
from tests.scanning.forms import BLOCKS, MINT, PACKED, SPELLED, gzipped, names, quoted_printable, wide

FORMS = {**SPELLED, **BLOCKS, **PACKED}
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90).map(str.encode)


def scanned(data: bytes, chunk: int | None = None, mint: CanaryMint = MINT) -> list[Sighting]:
    """Return what a scan sees of bytes that come in chunks."""
    scanner = Scanner(mint)
    step = chunk or max(1, len(data))
    seen = [sighting for at in range(0, len(data), step) for sighting in scanner.feed(data[at : at + step])]
    return [*seen, *scanner.close()]


@pytest.mark.parametrize("form", FORMS)
@given(before=ASCII, after=ASCII, request=st.integers(0, 2**32 - 1), chunk=st.integers(1, 80))
def test_a_canary_is_seen_in_every_form(form: str, before: bytes, after: bytes, request: int, chunk: int) -> None:
    """In any encoding, at any place, in chunks of any length, the canary is seen under that encoding's name."""
    data = FORMS[form][1](before + MINT.value("europa", request).encode() + after)
    assert names(form) & {one.chain for one in scanned(data, chunk) if one.canary == f"europa-{request}"}


@pytest.mark.parametrize("form", FORMS)
def test_no_alignment_hides_a_canary(form: str) -> None:
    """Whatever number of bytes stands before it, within the text and before the encoded text, it is seen."""
    write = FORMS[form][1]
    canary = MINT.value("acme", 40).encode()
    for lead in range(24):
        data = b"#" * (lead % 5) + b" " + write(b"z" * lead + canary + b"z" * (lead % 7)) + b" "
        assert names(form) & {one.chain for one in scanned(data)}, lead


@pytest.mark.parametrize("form", FORMS)
def test_no_end_of_a_turn_hides_a_canary(form: str) -> None:
    """The scanner looks at 64 KiB at a time: a canary that lies over the end of a turn is seen, wherever it is cut."""
    written = b" " + FORMS[form][1](b"so " + MINT.value("acme", 41).encode()) + b" "
    for beyond in range(0, len(written), 5):
        assert scanned(b"." * (64 * 1024 - beyond) + written + b"." * 1000), beyond


@given(st.sampled_from(sorted(FORMS)), st.integers(0, 3), st.integers(1, 70_000), st.integers(0, 140_000))
def test_what_is_seen_does_not_depend_on_the_chunks(form: str, copies: int, chunk: int, place: int) -> None:
    """The same bytes give the same sightings, whatever chunks they come in."""
    _, write = FORMS[form]
    canary = write(b"this is " + MINT.value("acme", 8).encode() + b" it")
    filler = b"Some words, none of which is long. " * 4000
    data = filler[:place] + b" " + b" ".join([canary] * copies) + b" " + filler[place:]
    whole = scanned(data)
    assert bool(copies) == bool(whole)
    assert whole == scanned(data, chunk)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sighting_says_what_the_canary_marks(kind: Kind) -> None:
    """Each kind of canary is told from the others, by its HMAC alone."""
    (seen,) = scanned(b"x " + MINT.value("acme", 3, kind).encode())
    assert Sighting("acme-3", kind, "raw", 2) == seen


def test_a_sighting_says_where() -> None:
    """The offset counts in the bytes as they were fed, over all chunks."""
    data = b"a" * 70_000 + b" " + MINT.value("acme", 3).encode() + b" " + base64.b64encode(b"-" * 99) * 3
    assert [Sighting("acme-3", "prompt", "raw", 70_001)] == scanned(data, 1000)


@pytest.mark.parametrize("lead", [0, 3, 65_535, 65_536, 200_001])
def test_a_sighting_within_says_where_that_begins(lead: int) -> None:
    """What was unpacked or decoded is told with the place at which it begins in the bytes as they were fed."""
    packed = gzipped(b"long " * 50 + MINT.value("acme", 3).encode())
    filler = b"#" * lead
    assert [("gzip", lead)] == [(one.chain, one.offset) for one in scanned(filler + packed, 999)]
    run = base64.b64encode(packed)
    assert [("base64>gzip", lead)] == [(one.chain, one.offset) for one in scanned(filler + run, 999)]
    first = filler + base64.b64encode(gzipped(b"clean " * 30)) + b" "
    assert [("base64>gzip", len(first))] == [(one.chain, one.offset) for one in scanned(first + run, 999)]


@pytest.mark.parametrize("false_start", [b"YRN", b"CNRYAAAA", b"C N R Y ", b"Q05SWQ", b"PAEL", b"%43%4E", b"434E52"])
def test_a_false_beginning_hides_no_canary(false_start: bytes) -> None:
    """What looks like another canary, and runs into one, does not hide it."""
    assert ["acme-3"] == [one.canary for one in scanned(b"so " + false_start + MINT.value("acme", 3).encode())]


@given(st.sampled_from(sorted(FORMS)))
def test_a_sighting_never_holds_the_value(form: str) -> None:
    """Nothing of a canary's value is in what evidence says of it."""
    value = MINT.value("europa", 77)
    for seen in scanned(FORMS[form][1](value.encode())):
        assert PREFIX not in repr(seen)
        assert value[len(PREFIX) :] not in repr(seen)


@pytest.mark.parametrize("form", FORMS)
def test_another_runs_canary_is_none(form: str) -> None:
    """A canary that proves itself by another key is nobody's."""
    stranger = CanaryMint(run_key(7), ["acme", "europa", "a-third"])
    data = FORMS[form][1](b"this is " + MINT.value("acme", 8).encode() + b" it")
    assert [] == scanned(data, mint=stranger)


@pytest.mark.parametrize("gaps", ["-", " ", ".", "_", "\n", "\u200b", ", ", '","', "=\r\n"])
@given(places=st.sets(st.integers(1, 21), min_size=1, max_size=21))
def test_a_canary_in_pieces_is_seen(gaps: str, places: set[int]) -> None:
    """Whatever stands between its letters, at whichever places, it is seen."""
    value = MINT.value("acme", 5)
    written = "".join((gaps if at in places else "") + letter for at, letter in enumerate(value))
    assert ["acme-5"] == [one.canary for one in scanned(b"so: " + written.encode() + b" end")]


@given(st.lists(st.booleans(), min_size=22, max_size=22), st.sampled_from(["\\u{:04x}", "%{:02X}", "&#{};", "={:02X}"]))
def test_a_canary_escaped_in_part_is_seen(escaped: list[bool], form: str) -> None:
    """Any of its letters may be escaped and any not."""
    pairs = zip(MINT.value("acme", 5), escaped, strict=True)
    written = "".join(form.format(ord(letter)) if yes else letter for letter, yes in pairs)
    assert ["acme-5"] == [one.canary for one in scanned(b"so: " + written.encode() + b" end")]


@given(before=ASCII, after=ASCII)
def test_a_mails_soft_line_breaks_hide_nothing(before: bytes, after: bytes) -> None:
    """Quoted-printable text may be broken in the middle of a canary."""
    data = quoted_printable(before + MINT.value("acme", 5).encode() + after)
    assert ["acme-5"] == [one.canary for one in scanned(data)]


def test_one_canary_in_two_ways_is_told_twice() -> None:
    """Each way in which a canary left is told, once, with its first place."""
    value = MINT.value("acme", 5).encode()
    seen = scanned(b" ".join([value, base64.b64encode(value), value, wide("utf-16-le")(value)]))
    assert [("raw", 0), ("base64", 23), ("utf-16", 79)] == [(one.chain, one.offset) for one in seen]
