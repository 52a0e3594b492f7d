"""What cannot be looked into is said, with the reason, and neither time nor memory is lost to it."""

import base64
import json
import tracemalloc
import zlib

import brotli
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brownout.clock import rng_for
from brownout.scanning import Limits, Scanner, Unseen
from tests.scanning.forms import MINT, PACKED, gzipped, raw_deflated

CANARY = b"this is " + MINT.value("acme", 8).encode() + b" it"
MIB = 1024 * 1024


def scanned(
    data: bytes, *, limits: Limits | None = None, codings: tuple[str, ...] = ()
) -> tuple[list[str], list[Unseen]]:
    """Return the chains under which the canary was seen, and what was not looked into."""
    scanner = Scanner(MINT, codings=codings, limits=limits)
    seen = [*scanner.feed(data), *scanner.close()]
    return [one.chain for one in seen], scanner.unseen


def bomb(size: int = 400 * MIB) -> bytes:
    """Return a gzip stream of zeros."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(size // MIB)) + packer.flush()


def test_a_bomb_is_not_unpacked_to_its_end() -> None:
    """What would unpack to 400 MiB is given up at the limit, in little memory, and is said to be unseen."""
    packed = bomb()
    tracemalloc.start()
    try:
        seen, unseen = scanned(packed, limits=Limits(unpacked_bytes=4 * MIB))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [] == seen
    assert Unseen("too-large", "gzip", 0) == unseen[0]
    assert {"too-large"} == {one.reason for one in unseen}
    assert peak_bytes < 8 * MIB


def test_a_bomb_in_a_bomb_is_none_either() -> None:
    """The limit holds for all layers together."""
    _, unseen = scanned(gzipped(bomb(64 * MIB) * 4), limits=Limits(unpacked_bytes=4 * MIB))
    assert {"too-large"} == {one.reason for one in unseen}


def test_a_brotli_bomb_is_bounded_too() -> None:
    """So it does where the format has no size in it."""
    _, unseen = scanned(brotli.compress(bytes(64 * MIB)), codings=("br",), limits=Limits(unpacked_bytes=4 * MIB))
    assert [Unseen("too-large", "br", 0)] == unseen


def test_what_stands_after_a_bomb_is_seen() -> None:
    """A bomb hides nothing that is beside it."""
    seen, _ = scanned(bomb(8 * MIB) + b" " + CANARY, limits=Limits(unpacked_bytes=MIB))
    assert ["raw"] == seen


@pytest.mark.parametrize("layer", ["gzip", "base64"])
def test_what_lies_too_deep_is_said(layer: str) -> None:
    """With more layers than are looked through, the canary is not seen, and that something is there is said."""
    data = CANARY * 3
    for _ in range(6):
        data = gzipped(data) if layer == "gzip" else base64.b64encode(data)
    seen, unseen = scanned(data, limits=Limits(depth=3))
    assert [] == seen
    assert ["too-deep"] == [one.reason for one in unseen]
    assert [">".join([layer] * 6)] == scanned(data)[0]


def test_a_cut_stream_is_seen_as_far_as_it_came() -> None:
    """Half a gzip stream is looked into, and that it was half is said."""
    noise = base64.b64encode(zlib.compress(b"".join(b"%d" % n for n in range(9999))))
    packed = gzipped(CANARY + b" " + noise)
    seen, unseen = scanned(packed[: len(packed) // 2])
    assert ["gzip"] == seen
    assert Unseen("truncated", "gzip", 0) in unseen
    assert {"truncated", "broken"} >= {one.reason for one in unseen}  # what lies within was cut, too


@pytest.mark.parametrize("form", ["gzip", "bzip2", "zstd", "xz"])
def test_a_broken_stream_is_said(form: str) -> None:
    """A stream that is damaged may have held anything."""
    packed = bytearray(PACKED[form][1](bytes(range(256)) * 4000 + CANARY))
    packed[len(packed) * 2 // 3 :] = b"\xaa" * 40
    _, unseen = scanned(bytes(packed))
    assert {form} == {one.chain for one in unseen}
    assert {one.reason for one in unseen} <= {"broken", "truncated"}


def test_a_coding_that_nobody_knows_is_said() -> None:
    """Its bytes are looked at as they are, and that this is not enough is said."""
    assert (["raw"], [Unseen("unknown-encoding", "x-secret", 0)]) == scanned(CANARY, codings=("x-secret",))


def test_a_coding_that_it_is_not_in_is_said() -> None:
    """A body that is said to be in gzip and is not, is looked at as it is."""
    assert (["raw"], [Unseen("broken", "gzip", 0)]) == scanned(CANARY, codings=("gzip",))


@pytest.mark.parametrize(
    ("codings", "packed", "chain"),
    [
        (("br",), brotli.compress(CANARY), "br"),
        (("deflate",), raw_deflated(CANARY), "deflate"),
        (("deflate",), zlib.compress(CANARY), "deflate"),
        (("br", "gzip"), brotli.compress(gzipped(CANARY)), "br>gzip"),
        (("gzip", "br", "deflate"), gzipped(brotli.compress(raw_deflated(CANARY))), "gzip>br>deflate"),
    ],
)
def test_declared_codings_are_unpacked(codings: tuple[str, ...], packed: bytes, chain: str) -> None:
    """What has no mark at its beginning is unpacked where the sender says what it is, one coding within another."""
    seen, unseen = scanned(packed, codings=codings)
    assert chain in seen
    assert [] == unseen


def test_an_unknown_coding_within_a_known_one_is_said() -> None:
    """The doubt names the place it arose in."""
    assert [Unseen("unknown-encoding", "gzip>aws-chunked", 0)] == scanned(
        gzipped(b"?"), codings=("gzip", "aws-chunked")
    )[1]


def test_all_members_of_a_gzip_file_are_seen() -> None:
    """One stream after another, with and without anything between."""
    data = gzipped(b"first") + gzipped(b"second") + b"between" + gzipped(CANARY)
    assert (["gzip"], []) == scanned(data)
    assert (["gzip"], []) == scanned(data, codings=("gzip",))


def test_what_is_packed_is_found_anywhere() -> None:
    """A file in a form, between other parts, is unpacked."""
    parts = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="notes.gz"\r\n\r\n' + gzipped(CANARY) + b"\r\n--b--"
    )
    assert (["gzip"], []) == scanned(b"--b\r\n\r\nhello\r\n" + parts)


NOISE = b"".join(b"%d" % (number * number) for number in range(400_000))


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc", "files/of/europa/"])
def test_a_short_run_of_base64_is_seen_through(lead: str) -> None:
    """A small packed file is unpacked, whatever letters that are base64's, too, are glued to it."""
    assert (["base64>gzip"], []) == scanned(lead.encode() + base64.b64encode(gzipped(CANARY)) + b" end")


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc", "files/of/europa/"])
def test_a_long_run_of_base64_is_seen_through(lead: str) -> None:
    """A packed file of a megabyte in base64 is unpacked, also when letters that are base64's, too, are glued to it."""
    run = base64.b64encode(gzipped(NOISE + CANARY))
    assert len(run) > 1_000_000
    assert (["base64>gzip"], []) == scanned(b"upload: " + lead.encode() + run + b" end")


def test_a_long_run_in_lines_is_seen_through() -> None:
    """So it is when it is broken into lines, in JSON, wherever the scanner's turns cut these lines."""
    run = json.dumps(base64.encodebytes(gzipped(NOISE[:180_000] + CANARY)).decode()).encode()
    assert len(run) > 70_000
    for lead in range(80):
        assert (["base64>gzip"], []) == scanned(b"." * lead + b" " + run), lead


def test_a_long_run_of_hexadecimal_is_seen_through() -> None:
    """A packed file in hexadecimal, in lines as tools write them, is unpacked."""
    digits = gzipped(NOISE[:200_000] + CANARY).hex()
    lines = "\n".join(digits[at : at + 60] for at in range(0, len(digits), 60))
    assert (["hex>gzip"], []) == scanned(lines.encode())


def test_a_short_run_of_hexadecimal_in_lines_is_seen_through() -> None:
    """A small one, too."""
    digits = gzipped(CANARY).hex()
    lines = "\n".join(digits[at : at + 60] for at in range(0, len(digits), 60))
    assert "hex>gzip" in scanned(b"id-" + digits.encode() + b" ")[0]
    assert "hex>gzip" in scanned(b"0" + digits.encode() + b" ")[0]
    assert "hex>gzip" in scanned(lines.encode())[0]


FALSE = [
    b"\x1f\x8b\x08",
    b"\x1f\x8b\x08\x08a name",
    b"x^2 is",
    b"x\x9c",
    b"x\x01\0",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0",
    b"(\xb5/\xfd ",
]


@pytest.mark.parametrize("false", FALSE)
@pytest.mark.parametrize("form", ["gzip", "zlib", "bzip2", "zstd", "xz"])
@pytest.mark.parametrize("gap", [0, 9, 70_000])
def test_a_false_beginning_hides_nothing_in_silence(false: bytes, form: str, gap: int) -> None:
    """What begins like a packed format and is none does not keep a packed stream after it from being looked into."""
    seen, unseen = scanned(b"a " + false + b"." * gap + PACKED[form][1](CANARY))
    assert form in seen or unseen


def test_ids_hide_no_run() -> None:
    """Hundreds of runs that are mere ids, many of them the same, and among them a packed canary."""
    ids = [f"{number % 40:032x} chatcmpl-{number % 7:024X}abc" for number in range(3000)]
    run = base64.b64encode(gzipped(CANARY)).decode()
    digits = gzipped(CANARY.replace(b"it", b"")).hex()
    data = " ".join([*ids, run, *ids, digits, *ids]).encode()
    seen, unseen = scanned(data)
    assert (["base64>gzip", "hex>gzip"], []) == (sorted(seen), unseen)


def test_a_run_that_comes_again_is_a_piece_again() -> None:
    """Where a run holds a piece of something, that the same was there before does not make it nothing."""
    value = MINT.value("acme", 0)
    assert "AAAA" in value
    frames = [base64.b64encode(b'{"type":"delta","text":"%c"}' % letter).decode() for letter in value.encode()]
    assert ["base64>deltas"] == scanned("\n\n ".join(frames).encode())[0]


def test_false_beginnings_without_end_cost_little_and_are_said() -> None:
    """Thousands that all stay open take little memory; that a stream may be lost among them is said."""
    tracemalloc.start()
    try:
        _, unseen = scanned(b"\x1f\x8b\x08\x08" * 50_000 + gzipped(CANARY))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {"too-large"} == {one.reason for one in unseen}
    assert peak_bytes < 8 * MIB


@pytest.mark.parametrize("cut_bytes", [1, 8, 9, 40, 300])
@pytest.mark.parametrize("around", [b"%b", b'{"x":"%b"}', b"--a\r\n\r\n%b\r\n--a--\r\n"])
def test_what_is_packed_and_cut_off_is_unpacked_as_far_as_it_goes(cut_bytes: int, around: bytes) -> None:
    """Without its end, whatever stands after it instead: packed alone, or in base64."""
    noise = rng_for(5, "words").choices(b"abcdefgh ", k=2000)
    packed = gzipped(bytes(noise[:1000]) + CANARY + bytes(noise[1000:]))[:-cut_bytes]
    assert ["gzip"] == scanned(around % packed)[0]
    assert ["base64>gzip"] == scanned(around % base64.b64encode(packed))[0]


LONG_MAGICS = (b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0")
"""zstd's, bzip2's and xz's: what begins with one of them does not do so by chance."""


@given(st.binary(max_size=300), st.integers(0, 2**32))
def test_chance_is_not_said_to_be_broken(lead: bytes, seed: int) -> None:
    """Noise that begins as gzip does is none, and nothing of it was left unseen."""
    noise = rng_for(seed, "noise").randbytes(600)
    assume(not any(magic in lead for magic in LONG_MAGICS))
    assert [] == scanned(lead + b"\x1f\x8b\x08\0\0\0\0\0\0\3" + noise)[1]
