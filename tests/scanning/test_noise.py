"""What is no canary is never taken for one, and what is merely odd raises no doubt."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.canary import PREFIX, CanaryMint
from brownout.clock import rng_for
from brownout.scanning import Scanner
from tests.scanning.forms import BLOCKS, MINT, PACKED, SPELLED

DOCS = b"".join(page.read_bytes() for page in sorted(Path(__file__).parents[2].glob("docs/**/*.md")))
ALPHABETS = (PREFIX, "CNRYA2", "cnry\\u0043", "434e5259", "Q05SWQ==", "%43%4E", '":{}data CN')
BEGINNINGS = (b"\x1f\x8b\x08", b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY", b"\xfd7zXZ\0", b"H4sI", b"\\", b'"a":"')


def scanned(data: bytes) -> Scanner:
    """Return a scanner that has seen the bytes and nothing in them."""
    scanner = Scanner(MINT)
    assert [] == scanner.feed(data) + scanner.close()
    return scanner


@given(st.binary(max_size=2000))
def test_no_bytes_are_too_odd(noise: bytes) -> None:
    """Any bytes may be scanned, and none of them are a canary."""
    scanned(noise)


@given(st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, max_size=300)))
def test_what_looks_like_one_is_none(text: str) -> None:
    """Neither the prefix, nor its encodings, nor any mixture proves anything."""
    scanned(text.encode())


@given(st.lists(st.one_of(st.sampled_from(BEGINNINGS), st.binary(max_size=60)), max_size=20))
def test_what_begins_like_a_format_may_be_none(pieces: list[bytes]) -> None:
    """A packed format's first bytes, followed by anything, are taken as they come."""
    scanned(b"".join(pieces))


def test_random_bytes_hold_nothing_and_raise_no_doubt() -> None:
    """Eight megabytes of noise, and as much of its base64: nothing seen, nothing left unseen."""
    noise = rng_for(1, "noise").randbytes(6 * 1024 * 1024)
    assert [] == scanned(noise).unseen
    assert [] == scanned(base64.b64encode(noise)).unseen


def test_natural_text_holds_nothing_and_raises_no_doubt() -> None:
    """Megabytes of prose, tables, code and paths: nothing seen, nothing left unseen."""
    assert len(DOCS) > 100_000
    assert [] == scanned(DOCS * 10).unseen


@pytest.mark.parametrize("form", {**SPELLED, **BLOCKS, **PACKED})
def test_a_changed_canary_is_none_in_any_form(form: str) -> None:
    """One letter changed, and no encoding makes it prove itself again."""
    rng = rng_for(2, form)
    write = {**SPELLED, **BLOCKS, **PACKED}[form][1]
    for _ in range(20):
        value = list(MINT.value("acme", rng.randrange(1000)))
        place = rng.randrange(len(PREFIX), len(value) - 1)  # of the last letter, half is padding
        value[place] = "A" if value[place] != "A" else "B"
        scanned(write(b"this is " + "".join(value).encode() + b" it"))


def test_a_tenant_that_is_not_of_the_run_is_none() -> None:
    """A canary of the right key, but of a tenant nobody knows, is none."""
    fewer = CanaryMint(MINT._key, ["acme"])
    assert [] == Scanner(fewer).feed(MINT.value("europa", 3).encode())
